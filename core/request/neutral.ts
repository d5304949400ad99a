/**
 * The neutral request: what every host hands to the core, and nothing of the host's own words.
 * The rules by which it becomes slots are in docs/request.md.
 */

/** The host cannot know this fact. It becomes an invalid slot, never an absent one. */
export const undelivered: unique symbol = Symbol("undelivered");

/** A value, proved missing (`undefined`), or unknowable for this host. */
export type Fact<T> = T | undefined | typeof undelivered;

/** Text as bytes, or as a string that stands for its UTF-8 bytes (a lone surrogate in it makes it invalid). */
export type Text = string | Uint8Array;

/** One header field line; the name in any case. */
export interface HeaderLine {
  readonly name: string;
  readonly value: Text;
}

/** The body: proved empty, all its bytes, or unknowable (also when the host truncated it). */
export type Body =
  | { readonly kind: "empty" }
  | {
      readonly kind: "bytes";
      readonly bytes: Uint8Array;
      /** The body counts as `application/json` whatever `content-type` says (where the whole request is written in JSON). */
      readonly json?: boolean;
    }
  | { readonly kind: "undelivered" };

/** One end of the connection. */
export interface Peer {
  readonly ip: Fact<Text>;
  /** 0-65535. */
  readonly port: Fact<number>;
  readonly principal: Fact<Text>;
}

/** Facts about the downstream connection, by Envoy's attribute names. */
export interface Connection {
  readonly mtls: Fact<boolean>;
  readonly requestedServerName: Fact<Text>;
  readonly tlsVersion: Fact<Text>;
  readonly subjectPeerCertificate: Fact<Text>;
  readonly uriSanPeerCertificate: Fact<Text>;
  readonly dnsSanPeerCertificate: Fact<Text>;
  readonly sha256PeerCertificateDigest: Fact<Text>;
}

/** Of a host that knows nothing of the connection. */
export const undeliveredConnection: Connection = {
  mtls: undelivered,
  requestedServerName: undelivered,
  tlsVersion: undelivered,
  subjectPeerCertificate: undelivered,
  uriSanPeerCertificate: undelivered,
  dnsSanPeerCertificate: undelivered,
  sha256PeerCertificateDigest: undelivered,
};

export interface NeutralRequest {
  readonly method: Fact<Text>;
  /** Path with its query, as received. */
  readonly target: Fact<Text>;
  readonly host: Fact<Text>;
  readonly scheme: Fact<Text>;
  readonly protocol: Fact<Text>;
  /** Announced size of the body in bytes. */
  readonly size: Fact<number>;
  /** When the request arrived, in whole milliseconds since 1970-01-01T00:00:00Z. */
  readonly time: Fact<number>;
  /** Field lines in order, without pseudo headers. */
  readonly headers: readonly HeaderLine[] | typeof undelivered;
  /** The host joined lines of one name with commas. */
  readonly headersJoined: boolean;
  readonly body: Body;
  readonly source: Peer;
  readonly destination: Peer;
  readonly connection: Connection;
  /** What the host asserts beside the request; `undelivered` as a whole where it has none to give. */
  readonly extensions: ReadonlyMap<string, Fact<Text>> | typeof undelivered;
  /**
   * Declared attributes set directly by dotted name, as parsed JSON values (`null` = absent; wrong type =
   * invalid; `undelivered` too). Command line, tests, and hosts whose operator names them. Names must be declared; built-ins cannot be set.
   */
  readonly attributes?: ReadonlyMap<string, unknown>;
}
