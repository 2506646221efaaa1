/** The front door alone, for servers that stand in for one service. */
export { makeLocalCertificate } from '../front/certificate.ts';
export { type FrontDoor, startFrontDoor } from '../front/front-door.ts';
