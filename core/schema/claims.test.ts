/** The source `jwt`: an extension under another name. */
import { expect, test } from "vitest";
import { decode } from "../bytecode/decode.ts";
import { compile } from "../compile.ts";

function compiled(declaration: string): ReturnType<typeof compile> {
  const text = `attributes\n  ${declaration}\n\npolicy P:\n  requires caller == "ann"\n`;
  return compile([{ name: "p.ipe", text }]);
}

function slotOf(declaration: string): readonly unknown[] {
  const made = compiled(declaration);
  if (!made.ok) throw new Error(made.diagnostics.map(({ message }) => message).join());
  const decoded = decode(made.bundle);
  if (!decoded.ok) throw new Error("refused");
  const { source, argument, shape } = decoded.program.slots.find(({ name }) => name === "caller")!;
  return [source, argument, shape.type];
}

test("a claim is the extension under `jwt.`", () => {
  expect(slotOf('caller: string from jwt "sub"')).toEqual(["extension", "jwt.sub", "string"]);
  expect(slotOf('caller: string from jwt "sub"')).toEqual(slotOf('caller: string from extension "jwt.sub"'));
  expect(slotOf('caller: string from jwt "jwt.sub"')[1]).toBe("jwt.jwt.sub");
  expect(slotOf('caller: string? from jwt "https://example.org/a b"')[1]).toBe("jwt.https://example.org/a b");
});

test.each([
  ['caller: string claimed from jwt "sub"', "`jwt` is what an issuer signed and takes no `claimed`"],
  ['caller: string trusted from jwt "sub"', "takes no `trusted`"],
  ['caller: string from jwt ""', "an empty name"],
  ["caller: string from jwt", "`jwt` needs a name"],
  ['caller: string from jtw "sub"', "unknown source `jtw`"],
])("refused: %s", (declaration, message) => {
  const { ok, diagnostics } = compiled(declaration);
  expect([ok, diagnostics.map((each) => each.message).join("\n")]).toEqual([
    false,
    expect.stringContaining(message),
  ]);
});

test("a header that holds a token is warned of, once", () => {
  const { ok, diagnostics } = compiled('caller: string claimed from header "Authorization"');
  expect([ok, diagnostics.filter(({ id }) => id === "unverified-token").length]).toEqual([true, 1]);
});
