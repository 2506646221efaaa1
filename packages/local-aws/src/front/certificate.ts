import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';

/** A key and certificates in PEM. Clients must trust `ca`, for example through NODE_EXTRA_CA_CERTS or AWS_CA_BUNDLE. */
export interface LocalCertificate {
  key: string;
  cert: string;
  ca: string;
}

/**
 * Creates a certificate authority, and a certificate that it issues for localhost, 127.0.0.1 and ::1. Both are valid for a year.
 */
export function makeLocalCertificate(): LocalCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const server = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const authorityName = 's3-replicator local AWS';
  const ca = certificate({
    subject: authorityName,
    publicKey: authority.publicKey,
    issuer: authorityName,
    issuerKeys: authority,
    extensions: [
      extension(oids.basicConstraints, sequence(boolean(true)), 'critical'),
      extension(oids.keyUsage, bitString(Buffer.from([0x06]), 1), 'critical'), // Key usage keyCertSign and cRLSign.
    ],
  });
  const cert = certificate({
    subject: 'localhost',
    publicKey: server.publicKey,
    issuer: authorityName,
    issuerKeys: authority,
    extensions: [
      extension(oids.keyUsage, bitString(Buffer.from([0x80]), 7), 'critical'), // Key usage digitalSignature.
      extension(oids.extendedKeyUsage, sequence(objectId(oids.serverAuth))),
      extension(oids.subjectAltName, sequence(...subjectAlternativeNames())),
    ],
  });
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, cert: new X509Certificate(cert).toString(), ca: new X509Certificate(ca).toString() };
}

/** Object identifiers of RFC 5280 and RFC 5758, as DER encodes them. */
const oids = {
  commonName: '550403',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAltName: '551d11',
  subjectKeyIdentifier: '551d0e',
  authorityKeyIdentifier: '551d23',
  serverAuth: '2b06010505070301',
  ecdsaWithSha256: '2a8648ce3d040302',
};

function certificate(options: {
  subject: string;
  publicKey: KeyObject;
  issuer: string;
  issuerKeys: { publicKey: KeyObject; privateKey: KeyObject };
  extensions: Buffer[];
}): Buffer {
  const { subject, publicKey, issuer, issuerKeys, extensions } = options;
  const dayMs = 86_400_000;
  const algorithm = sequence(objectId(oids.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = 0x40 | (serial[0]! & 0x3f);
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    distinguishedName(issuer),
    sequence(utcTime(Date.now() - dayMs), utcTime(Date.now() + 365 * dayMs)),
    distinguishedName(subject),
    spki(publicKey),
    tagged(
      0xa3,
      sequence(
        ...extensions,
        extension(oids.subjectKeyIdentifier, tagged(0x04, keyIdentifier(publicKey))),
        extension(oids.authorityKeyIdentifier, sequence(tagged(0x80, keyIdentifier(issuerKeys.publicKey)))),
      ),
    ),
  );
  return sequence(body, algorithm, bitString(sign('sha256', body, issuerKeys.privateKey), 0));
}

function subjectAlternativeNames(): Buffer[] {
  const dnsName = 0x82;
  const ipAddress = 0x87;
  return [
    tagged(dnsName, Buffer.from('localhost')),
    tagged(dnsName, Buffer.from('*.localhost')),
    tagged(ipAddress, Buffer.from([127, 0, 0, 1])),
    tagged(ipAddress, Buffer.from([...Array.from({ length: 15 }, () => 0), 1])),
  ];
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1').update(spki(key)).digest();
}

function extension(oid: string, value: Buffer, critical?: 'critical'): Buffer {
  return sequence(objectId(oid), ...(critical ? [boolean(true)] : []), tagged(0x04, value));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId(oids.commonName), tagged(0x0c, Buffer.from(commonName)))));
}

function utcTime(epochMs: number): Buffer {
  const text = new Date(epochMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x17, Buffer.from(text.slice(2)));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function bitString(bits: Buffer, unusedBits: number): Buffer {
  return tagged(0x03, Buffer.from([unusedBits]), bits);
}

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}
