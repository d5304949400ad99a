/**
 * The peer's SPIFFE id from a header in which the proxy in front tells of the certificate that it verified. The format is that of Envoy's
 * `x-forwarded-client-cert` (HTTP header documentation, "x-forwarded-client-cert"): elements with commas between, one for each
 * hop, the last one by the proxy that is nearest; pairs `Key=value` with semicolons between; values in double quotes where they
 * hold one of `,;=`, with `\"` for a quote.
 */
import { type Fact, type NeutralRequest, undelivered } from "../../core/index.ts";
import { headerIn } from "./carriers.ts";
import type { ClientCertificate } from "./config.ts";

const SPIFFE_ID_LENGTH_MAX = 2048;
const TRUST_DOMAIN_LENGTH_MAX = 255;
/** SPIFFE-ID, 2.1 and 2.2. An id of a workload has a path (X509-SVID, 5.2). */
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)+)$/;

/** Absent without the header, or where the nearest proxy's element names no URI; undelivered where it is not exactly one SPIFFE id. */
export function principalIn(request: NeutralRequest, { header }: ClientCertificate): Fact<string> {
  const carried = headerIn(request, header);
  if (carried.kind !== "one") return carried.kind === "none" ? undefined : undelivered;
  const uris = lastElement(carried.text)
    ?.filter(([key]) => key.toLowerCase() === "uri")
    .map(([, value]) => value);
  if (uris === undefined || uris.length > 1) return undelivered;
  const [uri] = uris;
  if (uri === undefined || uri === "") return undefined;
  return isSpiffeId(uri) ? uri : undelivered;
}

/** No port, no query, no user, nothing escaped, no dot segments. */
export function isSpiffeId(text: string): boolean {
  if (text.length > SPIFFE_ID_LENGTH_MAX) return false;
  const [, domain, path] = SPIFFE_ID.exec(text) ?? [];
  if (domain === undefined || domain.length > TRUST_DOMAIN_LENGTH_MAX) return false;
  return !path!.split("/").some((segment) => segment === "." || segment === "..");
}

type Pair = readonly [key: string, value: string];

/** Pairs of the last element, or null where the text is not of this format from its beginning to its end. */
export function lastElement(text: string): readonly Pair[] | null {
  const pair = /[ \t]*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=]*))[ \t]*([,;]|$)/y;
  let element: Pair[] = [];
  while (true) {
    const found = pair.exec(text);
    if (found === null) return null;
    const [, key, quoted, plain, end] = found;
    element.push([key!, quoted?.replaceAll(/\\(.)/g, "$1") ?? plain!]);
    if (end === "") return element;
    if (end === ",") element = [];
  }
}
