/** Who a client is by its certificate: its SPIFFE id (X509-SVID, section 2: one URI among the alternative names). */
import type { TLSSocket } from "node:tls";
import { isSpiffeId } from "../../identity/index.ts";

/** Why a client is turned away: no certificate that counts, or not a name that may ask. */
export interface ClientObjection {
  readonly cause: "certificate" | "id";
  readonly detail: string;
}

/** Of an id, or of all ids below what stands before `/*`. Null where the text is neither. */
export function idPattern(text: string): RegExp | null {
  const below = text.endsWith("/*");
  const start = below ? text.slice(0, -1) : text;
  // A whole trust domain has no path of its own.
  if (!isSpiffeId(below ? `${start}x` : start)) return null;
  return new RegExp(`^${start.replaceAll(".", "\\.")}${below ? ".+" : ""}$`);
}

/**
 * Null where the client may ask. `ids` null: whoever has shown a certificate that the authorities vouch for.
 *
 * INVARIANT: nothing counts of a certificate that was not verified.
 */
export function clientObjection(socket: TLSSocket, ids: readonly RegExp[] | null): ClientObjection | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { cause: "certificate", detail: "the client shows no certificate" };
  if (!socket.authorized) {
    const problem: unknown = socket.authorizationError;
    return { cause: "certificate", detail: problem instanceof Error ? problem.message : String(problem) };
  }
  if (ids === null) return null;
  const id = spiffeIdIn(certificate.subjectAltName ?? "");
  if (id === null) return { cause: "id", detail: "its certificate names not exactly one SPIFFE id" };
  return ids.some((pattern) => pattern.test(id)) ? null : { cause: "id", detail: id };
}

/**
 * The only URI among alternative names as Node writes them (documentation of `X509Certificate.subjectAltName`): `KIND:value` with
 * commas and blanks between, and values in quotes where they hold what could be taken for more names. None of those is an id.
 */
export function spiffeIdIn(names: string): string | null {
  const each = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  const uris: string[] = [];
  while (each.lastIndex < names.length) {
    const found = each.exec(names);
    if (found === null) return null;
    if (found[1] === "URI") uris.push(found[2]!);
  }
  const [id] = uris;
  return uris.length === 1 && isSpiffeId(id!) ? id! : null;
}
