/** Texts with values of attributes in them. */

/** What stands between two values; `name` is that of the value in front, empty for the first piece. */
export interface TextPiece {
  readonly name: string;
  readonly text: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Takes `"order ${order.id}"` apart: `$${` is `${`. `problem` says what is wrong with the first bad place; its text is kept. */
export function splitText(text: string): {
  readonly pieces: readonly TextPiece[];
  readonly problem: string | null;
} {
  const pieces: { name: string; text: string }[] = [{ name: "", text: "" }];
  let problem: string | null = null;
  let at = 0;
  for (;;) {
    const open = text.indexOf("${", at);
    const last = pieces.at(-1)!;
    if (open === -1) {
      last.text += text.slice(at);
      return { pieces, problem };
    }
    if (text[open - 1] === "$" && open > at) {
      last.text += `${text.slice(at, open - 1)}\${`;
      at = open + 2;
      continue;
    }
    const close = text.indexOf("}", open);
    const name = close === -1 ? "" : text.slice(open + 2, close);
    last.text += text.slice(at, open);
    at = close === -1 ? text.length : close + 1;
    if (NAME.test(name)) pieces.push({ name, text: "" });
    else {
      problem ??= close === -1 ? "`${` has no `}`" : "between `${` and `}` stands no name";
      last.text += text.slice(open, at);
    }
  }
}

/** Where the names of values stand in a literal as it is written: offsets of `name` in each `${name}`. */
export function placesIn(written: string): { readonly start: number; readonly end: number }[] {
  return [...written.matchAll(/(\$?)\$\{([^}]*)\}/g)]
    .filter(([, dollar]) => dollar === "")
    .map(({ index, 2: name }) => ({ start: index + 2, end: index + 2 + name!.length }));
}
