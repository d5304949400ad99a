/** ECDSA keys on P-256, as PEM. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

export interface VerifyingKey {
  /** SHA-256 of its SubjectPublicKeyInfo, 64 hex digits. */
  readonly id: string;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo as DER: 91 bytes. */
  readonly spki: Buffer;
}

export interface SigningKey {
  /** Of its public part. */
  readonly id: string;
  readonly key: KeyObject;
}

export interface KeyFiles {
  /** PKCS #8. */
  readonly privatePem: string;
  /** SubjectPublicKeyInfo. */
  readonly publicPem: string;
  readonly id: string;
}

const CURVE = "prime256v1";
/** Of an uncompressed point: other encodings of the same key would have other ids. */
const SPKI_BYTES = 91;
/** A file with more is hardly one of keys. */
const KEYS_MAX = 100;

export function generateKeys(): KeyFiles {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    id: verifyingKey(publicKey).id,
  };
}

/**
 * The public keys of a PEM file, one or several.
 *
 * @throws with a message that says what to do
 */
export function readVerifyingKeys(pem: string): VerifyingKey[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw new Error("it holds a private key, which belongs to whoever signs; give the public one (.pub)");
  const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) throw new Error("it holds no public key as PEM (BEGIN PUBLIC KEY)");
  if (blocks.length > KEYS_MAX) throw new Error(`it holds more than ${KEYS_MAX} keys`);
  return blocks.map((block) => {
    try {
      return verifyingKey(createPublicKey(block));
    } catch (problem) {
      if (problem instanceof WrongKey) throw problem;
      throw new Error("a key in it cannot be read");
    }
  });
}

/**
 * The private key of a PEM file. The messages hold nothing of it.
 *
 * @throws with a message that says what to do
 */
export function readSigningKey(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error("it holds no private key that can be read; ipe keygen makes one");
  }
  return { key, id: verifyingKey(createPublicKey(key)).id };
}

class WrongKey extends Error {}

function verifyingKey(key: KeyObject): VerifyingKey {
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== CURVE)
    throw new WrongKey("it is no ECDSA key on P-256; ipe keygen makes one");
  const spki = key.export({ type: "spki", format: "der" });
  if (spki.length !== SPKI_BYTES)
    throw new WrongKey(
      "its point is compressed; openssl ec -pubin -in KEY -pubout -conv_form uncompressed makes it whole",
    );
  return { id: createHash("sha256").update(spki).digest("hex"), key, spki };
}
