/** All runtimes that are compared. */
import { envoyExtAuthz } from "./envoy-ext-authz.ts";
import { interpreter } from "./interpreter.ts";
import { reference } from "./reference.ts";
import type { Runtime } from "./runtime.ts";

export function runtimes(): readonly Runtime[] {
  return [reference, interpreter, envoyExtAuthz];
}
