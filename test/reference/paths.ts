/**
 * What `normalize` makes of the path of a request (docs/request.md, section 3), as short as it can be said: texts and lists
 * of segments, one step after the other. Null is an invalid path.
 */
import type { PathMode } from "../../core/index.ts";

/** The path that is judged, of a target with query and all. */
export function judgedPath(target: string, mode: PathMode): string | null {
  if (target.length > 16_384 || target.includes("#")) return null;
  const path = target.split("?", 1)[0]!;
  if (!/^\/[!-~]*$/.test(path) || path.includes(";")) return null;
  // Each `%` begins an escape.
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null;
  const normal = normalized(path, mode);
  if (normal === null || normal.includes("\\") || /%(?:2F|5C|00)/i.test(normal)) return null;
  const segments = decoded(normal)?.split("/").slice(1);
  if (segments === undefined) return null;
  const refused = segments.some(
    (segment, i) => isDots(segment) || (segment === "" && i < segments.length - 1),
  );
  return mode === "reject" && refused ? null : normal;
}

function normalized(path: string, mode: PathMode): string | null {
  if (mode === "reject" || mode === "NONE") return path;
  if (/["<>^`{|}]/.test(path)) return null;
  const slashes = mode === "DECODE_AND_MERGE_SLASHES" ? path.replace(/%2F|%5C/gi, "/") : path;
  const plain = slashes.replaceAll("\\", "/").replace(/%[0-9A-F]{2}/gi, (written) => {
    const character = String.fromCharCode(Number.parseInt(written.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : written;
  });
  const resolved = resolve(plain.split("/").slice(1));
  if (resolved === null || mode === "BASE") return resolved;
  const merged = resolved.replace(/\/+/g, "/");
  return merged === "/" && resolved !== "/" ? null : merged;
}

/** Dots at the end leave a slash there; `..` may not remove an empty segment. */
function resolve(segments: readonly string[]): string | null {
  const kept: string[] = [];
  for (const [i, segment] of segments.entries()) {
    if (segment === ".." && kept.pop() === "") return null;
    if (!isDots(segment)) kept.push(segment);
    else if (i === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}

function isDots(segment: string): boolean {
  return segment === "." || segment === "..";
}

/** Null where the bytes are not UTF-8. */
function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
