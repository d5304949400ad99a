/** Vectors with their policies compiled. */
import { compile, decode, renderDiagnostic } from "../../core/index.ts";
import type { CompiledVector } from "./runtimes/runtime.ts";
import type { Vector } from "./vectors.ts";

/** @throws when the compiler refuses a policy, or the decoder the bundle */
export function compileVector(vector: Vector): CompiledVector {
  const compiled = compile([{ name: "policy.ipe", text: vector.policy }]);
  if (!compiled.ok) {
    const problems = compiled.diagnostics
      .filter((d) => d.severity === "error")
      .map((d) => renderDiagnostic(d));
    throw new Error(`${vector.name}: the policy does not compile\n${problems.join("\n")}`);
  }
  const decoded = decode(compiled.bundle);
  if (!decoded.ok) throw new Error(`${vector.name}: the bundle is refused: ${decoded.error}`);
  return { ...vector, bundle: compiled.bundle, program: decoded.program, document: compiled.document };
}
