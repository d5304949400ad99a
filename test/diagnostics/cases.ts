/** The cases of this folder: one policy text for each diagnostic. */
import { existsSync, readFileSync } from "node:fs";
import { type Compiled, compile, type FileAnswer, TARGETS } from "../../core/index.ts";

const folder = new URL("./", import.meta.url);

/** Text of a case. */
export function caseText(id: string): string {
  return readFileSync(new URL(`${id}.ipe`, folder), "utf8");
}

/** The first line may say how: `// target: kong`, or `// hints` where hints are wanted. */
export function compileCase(id: string): Compiled {
  const text = caseText(id);
  const target = TARGETS.find((name) => text.startsWith(`// target: ${name}\n`));
  return compile([{ name: `${id}.ipe`, text, read }], {
    hints: text.startsWith("// hints\n"),
    ...(target === undefined ? {} : { target }),
  });
}

/** What cases import lies in `files`. */
function read(path: string): FileAnswer {
  const file = new URL(`files/${path}`, folder);
  if (path === "" || !existsSync(file))
    return { ok: false, problem: "there is no such file", help: "name one that is there" };
  return { ok: true, source: { name: path, text: readFileSync(file, "utf8"), place: path, read } };
}
