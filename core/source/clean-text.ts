/** What texts and names hold that are no headers: of query parameters and of metadata. */
import { utf8 } from "./bytes.ts";
import { TARGET_BYTES_MAX } from "./gen/facts.ts";

/** Without control characters. */
export function isCleanText(text: string): boolean {
  return !/[\u0000-\u001f\u007f]/.test(text);
}

/** Of a query parameter or a key of metadata. */
export function isTargetName(name: string): boolean {
  return name !== "" && utf8(name).length <= TARGET_BYTES_MAX && isCleanText(name);
}
