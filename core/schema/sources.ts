/** The sources of attributes: what a declaration may say about them. */

import type { Diagnostics, Fix } from "../source/diagnostics.ts";
import { POINTER_TOKENS_MAX } from "../source/gen/facts.ts";
import type { Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type { AttributeDeclaration } from "../syntax/ast.ts";
import { type AttributeSource, type Type, typeName } from "./schema.ts";

const SOURCES = ["header", "query", "cookie", "capture", "body", "jwt", "extension"];
const SOURCES_LATER = ["metadata", "data", "file"];
/** `from jwt "sub"` is `from extension "jwt.sub"`: a claim of a token that somebody has verified (docs/identity.md). */
const CLAIM_PREFIX = "jwt.";
const CLIENT_SOURCES = ["header", "query", "cookie", "capture", "body"];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Envoy removes the first before any filter, and writes the other for ext_authz alone (check_request_utils.cc). */
const HEADERS_OF_THE_WAY: ReadonlySet<string> = new Set(["transfer-encoding", "x-envoy-auth-partial-body"]);

/** What proves who somebody is, once it has been verified (RFC 9110, 11.6.2 and 11.7.2). */
const HEADERS_WITH_PROOFS: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);

/** Headers that proxies join (docs/request.md, section 4) and whose values have commas of their own (RFC 9110; browsers). */
const HEADERS_WITH_COMMAS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "cache-control",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "user-agent",
  "via",
  "x-forwarded-client-cert",
  "x-forwarded-for",
]);

/** Where an attribute comes from. */
export interface Source {
  readonly kind: AttributeSource;
  readonly argument: string;
}

/**
 * Where an attribute comes from, or null where that is reported. `captures`: names that resources capture, null where some
 * resource could not be read.
 */
export function resolveSource(
  d: AttributeDeclaration,
  captures: ReadonlySet<string> | null,
  report: Diagnostics,
): Source | null {
  if (d.source === null) {
    report.error(
      "missing-source",
      d.name.span,
      `\`${d.name.text}\` says not where it comes from`,
      `add a source such as \`claimed from body "/${d.name.text.replaceAll(".", "/")}"\``,
    );
    return null;
  }
  const { kind, argument } = d.source;
  if (SOURCES_LATER.includes(kind.text)) {
    report.error(
      "not-implemented",
      kind.span,
      `source \`${kind.text}\` is not implemented yet`,
      "remove the attribute: this version refuses what it cannot enforce",
    );
    return null;
  }
  if (!SOURCES.includes(kind.text)) {
    report.error(
      "unknown-source",
      kind.span,
      `unknown source \`${kind.text}\``,
      didYouMean(kind.text, SOURCES, `sources are ${SOURCES.map((s) => `\`${s}\``).join(", ")}`),
    );
    return null;
  }
  if (argument === null) {
    report.error(
      "missing-source",
      kind.span,
      `\`${kind.text}\` needs a name`,
      kind.text === "body" ? 'write a JSON pointer: body "/field"' : `write \`${kind.text} "name"\``,
    );
    return null;
  }
  checkMarking(d, kind.text, report);
  const isClaim = kind.text === "jwt";
  const checked = argumentOf(
    isClaim ? "extension" : (kind.text as AttributeSource),
    argument.value,
    argument.span,
    captures,
    report,
  );
  if (checked === null) return null;
  return isClaim
    ? { kind: "extension", argument: CLAIM_PREFIX + checked }
    : { kind: kind.text as AttributeSource, argument: checked };
}

function checkMarking(d: AttributeDeclaration, source: string, report: Diagnostics): void {
  const client = CLIENT_SOURCES.includes(source);
  if (client && d.marking === null) {
    report.error(
      "unmarked-source",
      d.name.span,
      `\`${d.name.text}\` comes from the client and is not marked`,
      "mark it `claimed` (the client says so) or `trusted` (a component in front sets it and strips the client's copy)",
      // The marking that assumes least.
      putBehind(d.type.span, " claimed"),
    );
  }
  if (!client && d.marking !== null) {
    report.error(
      "marked-verified",
      d.marking.span,
      `\`${source}\` is ${source === "jwt" ? "what an issuer signed" : "the operator's own word"} and takes no \`${d.marking.text}\``,
      `remove \`${d.marking.text}\``,
      { title: `remove \`${d.marking.text}\``, span: d.marking.span, text: "" },
    );
  }
}

function argumentOf(
  kind: AttributeSource,
  text: string,
  span: Span,
  captures: ReadonlySet<string> | null,
  report: Diagnostics,
): string | null {
  const refuse = (message: string, help: string): null => {
    report.error("bad-source", span, message, help);
    return null;
  };
  switch (kind) {
    case "header":
      if (text.startsWith(":"))
        return refuse(
          `\`${text}\` is a pseudo header`,
          "use `request.method`, `request.path`, `request.host` or `request.scheme`",
        );
      if (!TOKEN.test(text))
        return refuse(`\`${text}\` is not a header name`, "a name has letters, digits and - _ . only");
      if (text.toLowerCase() === "host")
        return refuse("`host` is read as `request.host`", "use `request.host`");
      if (HEADERS_OF_THE_WAY.has(text.toLowerCase()))
        return refuse(
          `\`${text.toLowerCase()}\` is for the way between two proxies, and not every host sees it`,
          "read another header",
        );
      return text.toLowerCase();
    case "cookie":
      return TOKEN.test(text)
        ? text
        : refuse(`\`${text}\` is not a cookie name`, "a name has letters, digits and - _ . only");
    case "capture":
      return captures === null || captures.has(text)
        ? text
        : refuse(
            `no resource captures \`${text}\``,
            didYouMean(text, captures, 'declare it in a path: resource Order: "/orders/{order_id}"'),
          );
    case "body":
      return pointerProblem(text) === null
        ? text
        : refuse(
            `\`${text}\` is not a JSON pointer: ${pointerProblem(text)}`,
            'write "/field" or "/list/0/field"; "" is the whole body',
          );
    default:
      return text !== "" ? text : refuse("an empty name", `write \`${kind} "name"\``);
  }
}

/** Report what a source cannot give, and what it will seldom give. */
export function checkSourceFits(
  d: AttributeDeclaration,
  type: Type,
  { kind: source, argument }: Source,
  report: Diagnostics,
): void {
  const inner = type.kind === "list" ? type.element : type;
  if (source !== "body" && inner.kind === "record") {
    report.error(
      "type-mismatch",
      d.type.span,
      `\`${source}\` is text and gives no ${typeName(type)}`,
      "records come from the body",
    );
  }
  if (source === "capture" && type.kind === "list")
    report.error("type-mismatch", d.type.span, "a capture is one value, no list", "remove `list of`");
  if (d.verbatim !== null && (source !== "header" || type.kind === "list")) {
    report.error(
      "bad-verbatim",
      d.verbatim,
      "`verbatim` is for a header that is read as one value",
      "remove it",
      { title: "remove `verbatim`", span: d.verbatim, text: "" },
    );
  }
  if (source === "header" && HEADERS_WITH_PROOFS.has(argument))
    report.warning(
      "unverified-token",
      d.name.span,
      `\`${argument}\` is a proof that nobody has verified when it is read as a header`,
      'read a claim of a token that was verified, such as `from jwt "sub"` (docs/identity.md)',
    );
  if (source === "header" && type.kind !== "list" && d.verbatim === null && HEADERS_WITH_COMMAS.has(argument))
    report.warning(
      "comma-in-header",
      d.name.span,
      `\`${argument}\` often has commas, and with one it counts as several lines, which is invalid`,
      "put `verbatim` behind the header to take the text as it is, or read a `list of string`",
      putBehind(d.source!.argument!.span, " verbatim"),
    );
}

function putBehind(span: Span, text: string): Fix {
  return { title: `write \`${text.trim()}\``, span: { ...span, start: span.end }, text };
}

/** Why a text is no JSON pointer (RFC 6901) within the limits, or null. */
function pointerProblem(text: string): string | null {
  if (text === "") return null;
  if (!text.startsWith("/")) return "it does not start with `/`";
  if (/~(?![01])/.test(text)) return "`~` stands only in `~0` and `~1`";
  if (text.split("/").length - 1 > POINTER_TOKENS_MAX) return `it has more than ${POINTER_TOKENS_MAX} parts`;
  return null;
}
