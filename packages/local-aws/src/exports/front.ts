/** The HTTP and HTTPS servers without the services, for programs that replace a single service. */
export { makeLocalCertificate } from '../front/certificate.ts';
export { type FrontDoor, startFrontDoor } from '../front/front-door.ts';
