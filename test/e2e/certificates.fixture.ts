/** Certificates for one test run: an authority, and whom it vouches for. */
import forge from "node-forge";

export interface Identity {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 of the certificate's DER form, in hex. */
  readonly digest: string;
}

export interface Authority extends Identity {
  issue(subject: Subject): Identity;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
  /** Default: tomorrow. */
  readonly expires?: Date;
}

/** GeneralName tags (RFC 5280, 4.2.1.6). */
const DNS_NAME = 2;
const URI = 6;
const IP_ADDRESS = 7;

export function createAuthority(commonName: string): Authority {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const subject = names({ commonName });
  const authority = sign(subject, subject, keys, keys.privateKey, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ]);
  return {
    ...authority,
    issue: (who) => {
      const own = forge.pki.rsa.generateKeyPair(2048);
      const alternatives = [
        ...(who.uris ?? []).map((value) => ({ type: URI, value })),
        ...(who.dnsNames ?? []).map((value) => ({ type: DNS_NAME, value })),
        ...(who.ips ?? []).map((ip) => ({ type: IP_ADDRESS, ip })),
      ];
      return sign(
        names(who),
        subject,
        own,
        keys.privateKey,
        alternatives.length === 0 ? [] : [{ name: "subjectAltName", altNames: alternatives }],
        who.expires,
      );
    },
  };
}

function names(subject: Subject): forge.pki.CertificateField[] {
  const fields = [{ name: "commonName", value: subject.commonName }];
  return subject.organization === undefined
    ? fields
    : [{ name: "organizationName", value: subject.organization }, ...fields];
}

function sign(
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
  keys: forge.pki.rsa.KeyPair,
  signer: forge.pki.rsa.PrivateKey,
  extensions: object[],
  expires = new Date(Date.now() + 86_400_000),
): Identity {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(Date.now() - 7_200_000);
  certificate.validity.notAfter = expires;
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  certificate.setExtensions(extensions);
  certificate.sign(signer, forge.md.sha256.create());
  const der = forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
  return {
    certificate: forge.pki.certificateToPem(certificate),
    key: forge.pki.privateKeyToPem(keys.privateKey),
    digest: forge.md.sha256.create().update(der).digest().toHex(),
  };
}
