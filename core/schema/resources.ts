/** Resource declarations to path patterns. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Declaration, ResourceDeclaration } from "../syntax/ast.ts";
import type { FirstPlaces } from "./first-places.ts";
import type { ResourcePattern } from "./schema.ts";

const METHOD = /^[A-Z]+$/;
const CAPTURE = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

export interface ResolvedResources {
  /** In order of declaration; faulty ones are reported and left out. */
  readonly patterns: readonly ResourcePattern[];
  /** Names of those that are left out. */
  readonly faulty: readonly string[];
  /** Names that some path captures, be it a faulty one. */
  readonly captures: ReadonlySet<string>;
}

/** All resources, each path resolved. */
export function resolveResources(
  declarations: readonly Declaration[],
  report: Diagnostics,
  places: FirstPlaces,
): ResolvedResources {
  const patterns: ResourcePattern[] = [];
  const faulty: string[] = [];
  const captures = new Set<string>();
  const bySignature = new Map<string, ResourcePattern>();
  for (const d of declarations) {
    if (d.kind !== "resource") continue;
    for (const [, name] of d.pattern.value.matchAll(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g)) captures.add(name!);
    if (!places.isNew(d.name, "resource")) continue;
    const pattern = resourcePattern(d, report);
    if (pattern === null) {
      faulty.push(d.name.text);
      continue;
    }
    const signature = signatureOf(pattern);
    const same = bySignature.get(signature);
    if (same !== undefined) {
      report.error(
        "ambiguous-resource",
        d.pattern.span,
        `\`${d.name.text}\` matches the same requests as \`${same.name}\``,
        "make one path or method more specific",
      );
    } else bySignature.set(signature, pattern);
    patterns.push(pattern);
  }
  return { patterns, faulty, captures };
}

/**
 * Equal for two patterns that can match one request with no rule to prefer one: kinds, literals and methods are the same.
 * With other literals at equal places no path is both, also behind `**`, since what follows it is as long in both.
 */
function signatureOf({ method, segments }: ResourcePattern): string {
  return JSON.stringify([
    method,
    ...segments.map((s) => (s.kind === "literal" ? s.text : s.kind === "rest")),
  ]);
}

function resourcePattern(d: ResourceDeclaration, report: Diagnostics): ResourcePattern | null {
  const refuse = (message: string, help: string): null => {
    report.error("bad-resource", d.pattern.span, message, help);
    return null;
  };
  if (d.method !== null && !METHOD.test(d.method.text)) {
    report.error(
      "bad-resource",
      d.method.span,
      `\`${d.method.text}\` is not a method`,
      "methods are written in capitals: GET",
    );
  }
  const text = d.pattern.value;
  if (!text.startsWith("/"))
    return refuse(
      `the path \`${text}\` does not start with \`/\``,
      'write it from the root: "/orders/{order_id}"',
    );
  if (text.length > 1 && text.endsWith("/"))
    return refuse(
      `the path \`${text}\` ends in \`/\``,
      "remove it: one trailing slash of a request is tolerated anyway",
    );
  if (!text.isWellFormed()) return null;
  const segments: ResourcePattern["segments"][number][] = [];
  for (const part of text === "/" ? [] : text.slice(1).split("/")) {
    const capture = CAPTURE.exec(part);
    if (capture !== null) {
      if (segments.some((s) => s.kind === "capture" && s.text === capture[1]))
        return refuse(`\`${capture[1]}\` is captured twice`, "choose another name for one of them");
      segments.push({ kind: "capture", text: capture[1]! });
    } else if (part === "*" || part === "{*}") {
      segments.push({ kind: "any", text: "" });
    } else if (part === "**" || part === "{**}") {
      if (segments.some((s) => s.kind === "rest"))
        return refuse(
          `the path \`${text}\` has \`**\` twice`,
          "one is any number of segments; declare a resource for each other path",
        );
      segments.push({ kind: "rest", text: "" });
    } else if (part.includes("*")) {
      return refuse(
        `\`${part}\` is no segment`,
        "a wildcard is a whole segment: `*` is one, `**` any number",
      );
    } else if (part === "" || part === "." || part === "..") {
      return refuse(
        `the path \`${text}\` has ${part === "" ? "an empty segment" : `the segment \`${part}\``}`,
        "no valid request path has it",
      );
    } else if (/[{}]/.test(part)) {
      return refuse(`\`${part}\` is no segment`, "a capture is a whole segment: {name}");
    } else if (/[\u0000-\u0020\u007f?#%;\\]/.test(part)) {
      return refuse(
        `\`${part}\` holds a character that no decoded segment can have`,
        "write segments decoded, without query: /café, not /caf%C3%A9",
      );
    } else {
      segments.push({ kind: "literal", text: part });
    }
  }
  return { name: d.name.text, method: d.method?.text ?? null, segments, span: d.name.span };
}
