/** The front door alone, for servers that replace a single service. */
export { makeLocalCertificate } from '../front/certificate.ts';
export { type FrontDoor, startFrontDoor } from '../front/front-door.ts';
