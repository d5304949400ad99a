/** What a policy does on an allow, and what its denial answers. */
import { isCleanText, isTargetName } from "../source/clean-text.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import {
  DENY_STATUSES,
  REDIRECT_STATUSES,
  TARGET_BYTES_MAX,
  UNSETTABLE_HEADERS,
} from "../source/gen/facts.ts";
import type {
  ActionTarget,
  DenialAnswer,
  HeaderAction,
  PolicyDeclaration,
  SetHeader,
  TextLiteral,
} from "../syntax/ast.ts";
import type { Resolutions } from "./check.ts";
import { queryReader } from "./policies.ts";
import { checkNoValues, checkPlain, checkValues, textWith } from "./texts.ts";

/** RFC 9110 token in lower case, without `_`, which many servers take for `-`. */
const SETTABLE_HEADER = /^[!#$%&'*+\-.^`|~0-9a-z]+$/;
/** What an answer says of its body, or what only the host knows. */
const UNANSWERABLE_HEADERS = ["content-encoding", "content-range", "date", "server"];
/** As RFC 9110's field-value, in ASCII: no blanks at the ends, which hosts take away. */
const VISIBLE = /^(?:[\u0021-\u007e](?:[\u0020-\u007e]*[\u0021-\u007e])?)?$/;

/** What a denial answers. */
export function checkDeny(policy: PolicyDeclaration, resolutions: Resolutions, report: Diagnostics): void {
  if (policy.onDeny === null) return;
  const { status, redirect, headers, body } = policy.onDeny;
  const statuses = redirect === null ? DENY_STATUSES : REDIRECT_STATUSES;
  if (status !== null && !statuses.includes(status.value)) {
    report.error(
      "bad-status",
      status.span,
      `\`${status.value}\` is no status for a ${redirect === null ? "denial" : "redirect"}`,
      redirect === null
        ? "use one of 400-599 that Envoy knows, such as 401, 403, 404, 429 or 503; 302 needs `redirect to`"
        : `use one of ${REDIRECT_STATUSES.join(", ")}, or none for 302`,
    );
  }
  if (redirect !== null && !REDIRECT.test(redirect.value))
    report.error(
      "bad-redirect",
      redirect.span,
      "a redirect leads to no `https://` or `http://` address of a host, nor to a path",
      'write the whole address, such as "https://login.example.com/", or a path such as "/login"',
    );
  if (redirect !== null) checkPlain(redirect, report);
  if (body !== null) checkBody(body, policy.onDeny, { resolutions, report });
  checkAnswerHeaders(headers, policy.onDeny, report);
}

function checkBody(
  body: TextLiteral,
  { isJson, headers }: DenialAnswer,
  { resolutions, report }: { readonly resolutions: Resolutions; readonly report: Diagnostics },
): void {
  checkValues(body, resolutions, { isClaimable: true, report });
  const type = headers.find(({ header }) => header.value.toLowerCase() === "content-type");
  if (
    !isJson &&
    body.parts.length > 0 &&
    type !== undefined &&
    !/^text\/plain(?:;|$)/i.test(type.value.value)
  )
    report.error(
      "bad-placeholder",
      body.parts[0]!.value.span,
      `nobody escapes a value for \`${type.value.value}\``,
      "write `json body`, or leave the type `text/plain`",
    );
  if (!isJson) return;
  if (body.parts.length > 0 && isJsonText(textWith(body, '""')) && !isJsonText(textWith(body, "x")))
    report.error(
      "bad-placeholder",
      body.parts[0]!.value.span,
      "in a JSON body a value stands inside of a string",
      'write quotes around it: `{\\"order\\": \\"${order.id}\\"}`',
    );
  else if (!isJsonText(textWith(body, "x")))
    report.error(
      "bad-body",
      body.span,
      "the body is no JSON",
      'correct it, or write `body` without `json`: strings need quotes, as in `json body "{\\"code\\": 7}"`',
    );
}

/** An address with a host, or a path of the same one: `//host` would be another. In visible ASCII, as it is a header. */
const REDIRECT = /^(?:https?:\/\/[a-z0-9[][!-~]*|\/(?![/\\])[!-~]*)$/i;

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkAnswerHeaders(headers: readonly SetHeader[], answer: DenialAnswer, report: Diagnostics): void {
  const seen = new Set<string>();
  for (const { header, value } of headers) {
    const name = header.value.toLowerCase();
    const problem = answerHeaderProblem(name, answer);
    if (problem !== null)
      report.error(
        "bad-header",
        header.span,
        `\`${header.value}\` cannot be set: ${problem}`,
        'use another one such as "www-authenticate" or "retry-after"',
      );
    checkNoValues(value, report);
    checkFieldValue(value, report);
    if (seen.has(name))
      report.error(
        "duplicate-header",
        header.span,
        `\`${name}\` is set twice`,
        "an answer sets a header once",
      );
    seen.add(name);
  }
}

function answerHeaderProblem(name: string, { isJson, body }: DenialAnswer): string | null {
  if (name === "location") return "write `redirect to`";
  if (isJson && name === "content-type") return "`json body` says it";
  if (body === null && name === "content-type") return "the section has no `body` whose type it could be";
  return UNANSWERABLE_HEADERS.includes(name) ? "the host writes it" : headerProblem(name);
}

// --- on allow ---

/** What is done on an allow. `readers`: what reads which header or query parameter. */
export function checkActions(
  policy: PolicyDeclaration,
  {
    readers,
    resolutions,
  }: { readonly readers: ReadonlyMap<string, string>; readonly resolutions: Resolutions },
  report: Diagnostics,
): void {
  if (policy.onAllow.length === 0) return;
  const seen = new Set<string>();
  const removed = new Set(policy.onAllow.filter(({ kind }) => kind === "remove").map(targetKey));
  for (const action of policy.onAllow) {
    const { kind, target, header } = action;
    checkTarget(action, report);
    if (kind !== "remove") {
      if (target.endsWith("header")) checkFieldValue(action.value, report);
      else checkCleanValue(action.value, report);
      // The client may well be told what it said.
      checkValues(action.value, resolutions, { isClaimable: target === "response header", report });
    }
    const name = target.endsWith("header") ? header.value.toLowerCase() : header.value;
    if (seen.has(`${kind} ${target} ${name}`))
      report.error(
        "duplicate-header",
        header.span,
        `\`${name}\` is ${DONE[kind]} twice`,
        `a policy ${kind === "set" ? "sets" : `${kind}s`} ${WITH_ARTICLE[target]} once`,
      );
    seen.add(`${kind} ${target} ${name}`);
    if (kind === "remove") continue;
    if (removed.has(targetKey(action)))
      report.error(
        "duplicate-header",
        header.span,
        `\`${name}\` is ${DONE[kind]} and removed`,
        "take out `remove`: clients' copies of what policies set are always removed",
      );
    const reader = readers.get(target === "query parameter" ? queryReader(name) : comparable(name));
    if (reader !== undefined && (target === "request header" || target === "query parameter")) {
      report.error(
        "header-loop",
        header.span,
        `\`${name}\` is also where \`${reader}\` comes from`,
        `clients' copies of what is set are stripped: set another ${target === "query parameter" ? "parameter" : "header"}`,
      );
    }
  }
}

const DONE = { set: "set", append: "appended", remove: "removed" } as const;
const WITH_ARTICLE: Readonly<Record<ActionTarget, string>> = {
  "request header": "a header",
  "response header": "a header",
  "query parameter": "a parameter",
  metadata: "a key",
};

/** What an action changes, as far as nobody tells two apart. */
function targetKey({ target, header }: HeaderAction): string {
  return `${target} ${target.endsWith("header") ? comparable(header.value) : header.value}`;
}

function checkTarget({ kind, target, header }: HeaderAction, report: Diagnostics): void {
  if (target === "request header" || target === "response header") {
    const name = header.value.toLowerCase();
    const problem = (target === "response header" ? responseProblem(name) : null) ?? headerProblem(name);
    if (problem === null) return;
    report.error(
      "bad-header",
      header.span,
      `\`${header.value}\` cannot be ${DONE[kind]}: ${problem}`,
      'use a name of your own such as "x-approved-by"',
    );
    return;
  }
  const isReserved = target === "metadata" && RESERVED_METADATA.includes(header.value);
  if (isTargetName(header.value) && !isReserved) return;
  report.error(
    "bad-target",
    header.span,
    isReserved
      ? `\`${header.value}\` says what was decided, and is always written`
      : `nothing can have the name ${JSON.stringify(header.value)}`,
    `use a name of 1 to ${TARGET_BYTES_MAX} bytes without control characters`,
  );
}

/** What every decision tells by itself, and the time that Envoy adds to it. */
const RESERVED_METADATA = ["decision", "decision_id", "policy", "reason", "bundle", "ext_authz_duration"];

function responseProblem(name: string): string | null {
  if (UNANSWERABLE_HEADERS.includes(name)) return "the upstream or the host writes it";
  return name === "set-cookie" ? "it would take the place of all cookies that the upstream sets" : null;
}

function checkFieldValue(value: TextLiteral, report: Diagnostics): void {
  // Values never begin or end with a blank; what stands between two is visible too.
  if (VISIBLE.test(textWith(value, "x"))) return;
  report.error(
    "bad-header",
    value.span,
    "a header's value holds visible ASCII characters, with blanks only between them",
    "write another value: what hosts would change or refuse cannot be set",
  );
}

function checkCleanValue(value: TextLiteral, report: Diagnostics): void {
  if (isCleanText(textWith(value, "x"))) return;
  report.error("bad-target", value.span, "the value holds control characters", "take them out");
}

function headerProblem(name: string): string | null {
  if (name.includes("_")) return "`_` and `-` count as equal in many servers, write `-`";
  if (name.startsWith(":")) return "it is a pseudo header";
  if (name.startsWith("x-ipe-")) return "names with `x-ipe-` belong to IPE Mesh";
  if (!SETTABLE_HEADER.test(name)) return "it is no header name";
  return UNSETTABLE_HEADERS.includes(name) ? "it frames or routes the message" : null;
}

/** Many servers take `_` for `-`. */
export function comparable(header: string): string {
  return header.toLowerCase().replaceAll("_", "-");
}
