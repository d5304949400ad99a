/**
 * Reuse: named conditions and templates become part of the policies that use them, so that no later stage knows of
 * them. What is put in keeps its own spans: reasons and diagnostics point at the text of the condition or template.
 */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Declaration, Document, Expression, PolicyDeclaration } from "../syntax/ast.ts";
import { Conditions } from "./conditions.ts";
import { Copier } from "./copy.ts";
import { KnownNames } from "./names.ts";
import { Templates } from "./templates.ts";

/**
 * A document without conditions, templates and uses of them; problems go to `report`. What none of the policies would
 * show the later stages, they find in `conditions` and `typed`: also an unused condition is checked.
 */
export function expand(document: Document, report: Diagnostics): Document {
  return inSets(reused(document, report));
}

/** Policies of a set are named with it, so that one name may stand in several sets. */
function inSets(document: Document): Document {
  if (!document.declarations.some((d) => d.kind === "set")) return document;
  const declarations = document.declarations.map((d): Declaration => {
    return d.kind === "policy" || d.kind === "guard" ? inSet(d) : d;
  });
  return { ...document, declarations };
}

/** A policy with the name that its set gives it. */
export function inSet(d: PolicyDeclaration): PolicyDeclaration {
  return d.set === null ? d : { ...d, name: { ...d.name, text: `${d.set.value}/${d.name.text}` } };
}

function reused(document: Document, report: Diagnostics): Document {
  const { declarations, faulty } = document;
  if (!declarations.some(isReused) && !faulty.some((f) => f.kind === "condition")) return document;
  const reuse = new Reuse(document, report);
  const expanded = declarations.flatMap((d): Declaration[] => {
    if (d.kind === "condition" || d.kind === "template") return [];
    return [d.kind === "policy" || d.kind === "guard" ? reuse.policy(d) : d];
  });
  reuse.warnOfUnused();
  return {
    declarations: expanded,
    faulty,
    conditions: [...document.conditions, ...reuse.bodies],
    typed: [...document.typed, ...reuse.typed],
  };
}

/** What one policy becomes, and what it takes for that. */
export interface AloneReuse {
  readonly policy: PolicyDeclaration;
  /** Names of the conditions and templates that it uses. */
  readonly conditions: readonly string[];
  readonly templates: readonly string[];
  readonly typed: Document["typed"];
  /** Nodes that are put in. */
  readonly added: number;
}

/** The conditions and templates of a document, and what policies become by them. */
export class Reuse {
  readonly #copier: Copier;
  readonly #conditions: Conditions;
  readonly #templates: Templates;

  constructor(document: Document, report: Diagnostics) {
    const names = new KnownNames(document, report);
    this.#copier = new Copier(names, report);
    this.#conditions = new Conditions(document, this.#copier, names, report);
    this.#templates = new Templates(document, this.#copier, names, report);
  }

  policy(d: PolicyDeclaration): PolicyDeclaration {
    return this.#templates.policy(d);
  }

  /** A policy as if there were no other, and what it takes; nothing of it stays here. */
  alone(d: PolicyDeclaration): AloneReuse {
    const { used, typed, added } = this;
    const before = { conditions: [...used.conditions], templates: [...used.templates], typed: typed.length };
    used.conditions.clear();
    used.templates.clear();
    const policy = this.#templates.policy(d);
    const alone = {
      policy,
      conditions: [...used.conditions],
      templates: [...used.templates],
      typed: this.#templates.typed.splice(before.typed),
      added: this.added - added,
    };
    this.use(before);
    this.#copier.added = added;
    return alone;
  }

  /** Count these as used. */
  use({ conditions, templates }: Pick<AloneReuse, "conditions" | "templates">): void {
    for (const name of conditions) this.#conditions.used.add(name);
    for (const name of templates) this.#templates.used.add(name);
  }

  warnOfUnused(): void {
    this.#conditions.warnOfUnused();
    this.#templates.warnOfUnused();
  }

  /** Conditions that stand in no policy. */
  get bodies(): Expression[] {
    return [...this.#conditions.bodies, ...this.#templates.bodies];
  }

  /** Grows with each policy that uses a template. */
  get typed(): Document["typed"] {
    return this.#templates.typed;
  }

  /** Names of conditions and of templates that are used so far. */
  get used(): { readonly conditions: Set<string>; readonly templates: Set<string> } {
    return { conditions: this.#conditions.used, templates: this.#templates.used };
  }

  /** Nodes that are put in so far. */
  get added(): number {
    return this.#copier.added;
  }
}

/** Policies that use a template that is not there have to be looked at, too. */
export function isReused(d: Declaration): boolean {
  if (d.kind === "policy" || d.kind === "guard") return d.use !== null;
  return d.kind === "condition" || d.kind === "template";
}
