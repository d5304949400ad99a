/** `ipe inspect`: what is in a bundle. */
import { disassemble, type Engine, type Program } from "../../../core/index.ts";
import { loadVersion } from "../bundles.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import type { Output } from "../output.ts";

export function inspectCommand(path: string, options: { readonly json?: boolean }, output: Output): number {
  const { engine } = loadVersion(path, output);
  output.result(options.json === true ? JSON.stringify(bundleData(engine)) : bundleText(engine));
  return EXIT_SUCCESS;
}

function bundleData({ program, readsBody, headerNames }: Engine): Record<string, unknown> {
  return {
    digest: program.digest,
    bytes: program.totalBytes,
    sections: Object.fromEntries(program.sectionBytes.map(({ name, bytes }) => [name, bytes])),
    default: program.defaultAllow ? "allow" : "deny",
    normalize: program.pathMode,
    readsBody,
    stripsRequestHeaders: headerNames,
    removesRequestHeaders: program.removedNames,
    stripsQueryParameters: program.queryNames,
    policies: program.policies.list.map(
      ({ name, kind, mode, severity, effect, intent, metadata, obligations }) => ({
        name,
        kind,
        mode,
        severity,
        effect,
        intent,
        obligations,
        metadata: Object.fromEntries(metadata.map(({ key, value }) => [key, value])),
      }),
    ),
    attributes: program.slots.map((slot) => ({
      name: slot.name,
      type: typeText(slot.shape),
      source: slot.source,
      argument: slot.argument,
      marking: slot.marking,
      read: slot.read,
    })),
    disassembly: disassemble(program),
  };
}

function typeText(shape: Program["slots"][number]["shape"]): string {
  return shape.element === null ? shape.type : `list of ${typeText(shape.element)}`;
}

function bundleText({ program, readsBody, headerNames }: Engine): string {
  const lines = [
    `digest    ${program.digest}`,
    `bytes     ${program.totalBytes} (${program.sectionBytes.map(({ name, bytes }) => `${name} ${bytes}`).join(", ")})`,
    `default   ${program.defaultAllow ? "allow" : "deny"}`,
    `paths     ${program.pathMode}`,
    `body      ${readsBody ? "read" : "not read"}`,
    `strips    ${headerNames.length === 0 ? "no request headers" : headerNames.join(", ")}`,
    `queries   ${program.queryNames.length === 0 ? "no query parameters are set" : `${program.queryNames.join(", ")} set, and stripped`}`,
    `removes   ${program.removedNames.length === 0 ? "no request headers" : program.removedNames.join(", ")}`,
    "",
    ...program.policies.list.flatMap(({ name, kind, mode, severity, effect, intent }) => [
      `${kind} ${name}: ${severity}, ${mode}, ${effect}`,
      ...(intent === null ? [] : [`  "${intent}"`]),
    ]),
    "",
    ...program.slots.map(
      (slot) =>
        `${slot.name}: ${typeText(slot.shape)}, ${slot.source === "builtin" ? "built in" : `${slot.marking} from ${slot.source} "${slot.argument}"`}${slot.read ? "" : ", not read"}`,
    ),
    "",
    disassemble(program),
  ];
  return lines.join("\n").trimEnd();
}
