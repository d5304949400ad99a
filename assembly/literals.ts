/**
 * A step of the build: every literal of the filter becomes a length byte and its ASCII, all of them in one piece of
 * memory and each text once. As a string of AssemblyScript it would be two bytes a character behind a header of 20
 * bytes, in a data segment or two of its own; the filter has more than two hundred, and writes all of them as ASCII.
 *
 * In the sources a literal stays a literal of type `string`, and `host/literal.ts` alone looks into one. INVARIANT:
 * nothing uses it as a string of AssemblyScript, by `.length` or `==` for example (a test looks for their functions).
 */
import type { IdentifierExpression, Node, Parser, StringLiteralExpression } from "assemblyscript";
import type { Transform } from "assemblyscript/transform";

/** The length is one byte. */
const LITERAL_BYTES_MAX = 255;
/** Under this name the compiler finds the texts. */
const PATH = "assembly/literal-texts.ts";
/** Parts of a syntax node that hold no values: the path of an import, what a decorator says. */
const NO_VALUES = new Set(["range", "decorators", "path", "internalPath"]);

/** One of the compiler's `transforms`. */
export async function packLiterals(): Promise<Transform> {
  // With the compiler, which takes a second to load.
  const { CallExpression, IdentifierExpression, Node, StringLiteralExpression } = await import("assemblyscript");
  const names = new Map<string, string>();

  /** `offsetof<Bundle>("numbers")`: the compiler reads the literal itself. */
  function isFieldName(node: Node): boolean {
    return node instanceof CallExpression && node.expression instanceof IdentifierExpression && node.expression.text === "offsetof";
  }

  function nameOf(literal: StringLiteralExpression): IdentifierExpression {
    const name = names.get(literal.value) ?? `LITERAL_${names.size}`;
    names.set(literal.value, name);
    return Node.createIdentifierExpression(name, literal.range);
  }

  /** What takes the value's place in the syntax tree: a name for a literal, else itself with the literals in it replaced. */
  function replaced(value: unknown): unknown {
    if (Array.isArray(value)) return Object.assign(value, value.map(replaced));
    if (value instanceof StringLiteralExpression) return nameOf(value);
    if (!(value instanceof Node) || isFieldName(value)) return value;
    const parts = Object.entries(value).filter(([key]) => !NO_VALUES.has(key));
    return Object.assign(value, Object.fromEntries(parts.map(([key, part]) => [key, replaced(part)])));
  }

  function afterParse(parser: Parser): void {
    for (const source of parser.sources) if (!source.isLibrary) replaced(source.statements);
    parser.parseFile(declarations(names), PATH, false);
  }
  // The other members of a transform are for its own use.
  return { afterParse } as Transform;
}

/** The texts one behind the other, and the address of each as a constant that every file knows. */
function declarations(names: ReadonlyMap<string, string>): string {
  const bytes: number[] = [];
  const lines: string[] = [];
  for (const [text, name] of names) {
    if (text.length > LITERAL_BYTES_MAX || /[^\0-\x7f]/.test(text)) throw new Error(`literal too long or not ASCII: ${text}`);
    lines.push(`@global @lazy @inline const ${name}: string = changetype<string>(LITERALS + ${bytes.length});`);
    bytes.push(text.length, ...Buffer.from(text, "latin1"));
  }
  return [`@global @lazy @inline const LITERALS: usize = memory.data<u8>([${bytes.join(",")}]);`, ...lines].join("\n");
}
