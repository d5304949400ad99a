/** The files of a server's certificate: read, checked, and followed while the server runs. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { Failure } from "../exit.ts";
import { isLargeFile, reason, textOf } from "../files.ts";

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
}

export interface Certificate {
  /** All that connections are made with. */
  readonly context: SecureContextOptions;
  readonly expires: Date;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
}

const FILE_BYTES_MAX = 1024 * 1024;
/** How often to see whether a file has changed. */
const LOOK_MS = 1_000;

/** Of TLS 1.3 all; of TLS 1.2 those with forward secrecy that HTTP/2 allows (RFC 9113, appendix A lists the others). */
const CIPHERS = [
  ...["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ...["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ...["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
].join(":");

/** @throws Failure where a file cannot be read, or the server could not serve with them */
export function readCertificate({ cert, key, clientCa }: CertificateFiles): Certificate {
  const chain = textIn(cert);
  const own = certificatesIn(cert, chain)[0]!;
  const expires = new Date(own.validTo);
  if (expires.getTime() < Date.now())
    throw new Failure(`\`${cert}\`: the certificate has expired (${own.validTo}): put a new one there`);
  const keyText = textIn(key);
  if (!own.checkPrivateKey(keyIn(key, keyText)))
    throw new Failure(`the key in \`${key}\` does not belong to the first certificate in \`${cert}\``);
  // Without a certificate in it Node would take those of public authorities.
  const authorities = clientCa === null ? null : certificatesIn(clientCa, textIn(clientCa));
  const context: SecureContextOptions = {
    ...{ cert: chain, key: keyText, minVersion: "TLSv1.2", ciphers: CIPHERS, honorCipherOrder: true },
    ...(authorities === null ? {} : { ca: authorities.map(String) }),
  };
  try {
    createSecureContext(context);
  } catch (problem) {
    throw new Failure(`\`${cert}\` and \`${key}\` cannot be used: ${reason(problem)}`);
  }
  return { context, expires, fingerprint: own.fingerprint256 };
}

function textIn(path: string): string {
  if (isLargeFile(path, FILE_BYTES_MAX))
    throw new Failure(`\`${path}\` is longer than ${FILE_BYTES_MAX} bytes`);
  return textOf(path);
}

function certificatesIn(path: string, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw new Failure(`\`${path}\` holds no certificate: it is PEM, and has BEGIN CERTIFICATE`);
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (problem) {
      throw new Failure(`\`${path}\`: certificate ${i + 1} cannot be read: ${reason(problem)}`);
    }
  });
}

/** Nothing of the file stands in a message. */
function keyIn(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new Failure(
      `\`${path}\` holds no key that can be read: it is PEM, and has BEGIN PRIVATE KEY, without a passphrase`,
    );
  }
}

export interface CertificateListeners {
  changed(next: Certificate): void;
  /** What lies there now cannot be used; the one before stays. */
  refused(problem: unknown): void;
}

/**
 * Tell of each change, until it is stopped. Certificate and key are two files, and one is written first: what cannot be used
 * is refused when it still lies there at the next look.
 */
export function followCertificate(
  files: CertificateFiles,
  { changed, refused }: CertificateListeners,
): () => void {
  let seen = sightOf(files);
  let doubted = "";
  const timer = setInterval(() => {
    const sight = sightOf(files);
    if (sight === seen) return;
    try {
      const next = readCertificate(files);
      seen = sight;
      changed(next);
    } catch (problem) {
      if (doubted === sight) {
        seen = sight;
        refused(problem);
      }
      doubted = sight;
    }
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Changes whenever a file does, also where a link is led elsewhere, as Kubernetes does with secrets. */
function sightOf({ cert, key, clientCa }: CertificateFiles): string {
  return [cert, key, ...(clientCa === null ? [] : [clientCa])]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined
        ? "-"
        : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}`;
    })
    .join(" ");
}
