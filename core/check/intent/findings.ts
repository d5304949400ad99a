/** What comes of holding a sentence against a rule. */
import type { Expression } from "../../syntax/ast.ts";

export type Finding =
  /** The sentence says one thing and the rule another. */
  | {
      readonly kind: "contradicted";
      /** Of the sentence. */
      readonly phrase: { readonly start: number; readonly end: number };
      readonly condition: Expression | null;
      readonly text: string;
      readonly help: string;
    }
  /** Said in the sentence, and by no condition. */
  | {
      readonly kind: "unmentioned";
      readonly phrase: { readonly start: number; readonly end: number };
      readonly text: string;
    }
  /** Said by a condition, and not in the sentence. */
  | { readonly kind: "unsaid"; readonly condition: Expression; readonly text: string };
