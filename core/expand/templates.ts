/** Policy templates: a policy that uses one gets its parts, with literals in the place of parameters. */
import { parseAddress, parseNetwork } from "../source/address.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { Locator } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type {
  Argument,
  ConstantDeclaration,
  Document,
  EnumDeclaration,
  Expression,
  Parameter,
  PolicyDeclaration,
  PolicyParts,
  TemplateDeclaration,
  TemplateUse,
  TextLiteral,
  TypeReference,
} from "../syntax/ast.ts";
import type { Arguments, Copier } from "./copy.ts";
import type { KnownNames } from "./names.ts";
import { filled } from "./texts.ts";

export class Templates {
  readonly #report: Diagnostics;
  readonly #copier: Copier;
  readonly #names: KnownNames;
  readonly #templates = new Map<string, TemplateDeclaration>();
  readonly #constants = new Map<string, ConstantDeclaration>();
  readonly #enums = new Map<string, EnumDeclaration>();
  /** Names that were used so far. */
  readonly used = new Set<string>();
  /** Conditions of all templates with some value for each parameter, so that unused ones are checked, too. */
  readonly bodies: Expression[] = [];
  readonly typed: { readonly type: TypeReference; readonly values: readonly Expression[] }[] = [];

  constructor(document: Document, copier: Copier, names: KnownNames, report: Diagnostics) {
    this.#report = report;
    this.#copier = copier;
    this.#names = names;
    for (const d of document.declarations) {
      if (d.kind === "constant" && !this.#constants.has(d.name.text)) this.#constants.set(d.name.text, d);
      if (d.kind === "enum" && !this.#enums.has(d.name.text)) this.#enums.set(d.name.text, d);
    }
    const locator = new Locator();
    for (const d of document.declarations) {
      if (d.kind !== "template") continue;
      const first = this.#templates.get(d.name.text)?.name.span;
      if (first === undefined) this.#templates.set(d.name.text, d);
      else if (!report.isFull) {
        const { line, column } = locator.locate(first.source, first.start);
        report.error(
          "duplicate-name",
          d.name.span,
          `a second template \`${d.name.text}\``,
          `the first is at ${first.source.name}:${line}:${column}; names are unique across all files of a bundle`,
        );
      }
      this.#checkAlone(d);
    }
  }

  /** A policy with the conditions that it names and the parts of the template that it uses. */
  policy(policy: PolicyDeclaration): PolicyDeclaration {
    const { use } = policy;
    if (use === null) return { ...policy, ...this.#conditionsOf(policy, null) };
    const template = this.#templates.get(use.template.text);
    if (template === undefined) {
      this.#unknown(use);
      return policy;
    }
    this.used.add(use.template.text);
    const parts = this.#parts(template, this.#arguments(template, use));
    const own = new Set(policy.metadata.map(({ key }) => key.text));
    return {
      ...policy,
      intent: policy.intent ?? parts.intent,
      trigger: parts.trigger,
      effect: parts.effect,
      onAllow: policy.onAllow.length > 0 ? policy.onAllow : parts.onAllow,
      onDeny: policy.onDeny ?? parts.onDeny,
      onExpiry: policy.onExpiry ?? parts.onExpiry,
      limits: policy.limits.length > 0 ? policy.limits : parts.limits,
      onLimiterFailure: policy.onLimiterFailure ?? parts.onLimiterFailure,
      metadata: [...policy.metadata, ...parts.metadata.filter(({ key }) => !own.has(key.text))],
    };
  }

  warnOfUnused(): void {
    if (this.#report.hasFaults) return;
    for (const [name, d] of this.#templates) {
      if (!this.used.has(name))
        this.#report.warning(
          "unused-template",
          d.name.span,
          `no policy uses \`${name}\``,
          `remove it, or write \`policy Name: use ${name}(...)\``,
        );
    }
  }

  #unknown({ template }: TemplateUse): void {
    if (this.#names.isFaulty(template.text)) return;
    this.#report.error(
      "unknown-template",
      template.span,
      `there is no template \`${template.text}\``,
      didYouMean(
        template.text,
        this.#templates.keys(),
        `declare it: \`template ${template.text}(...): ...\``,
      ),
    );
  }

  // --- a template by itself ---

  #checkAlone(d: TemplateDeclaration): void {
    const seen = new Set<string>();
    const samples = new Map<string, Expression>();
    for (const parameter of d.parameters) {
      const { name, type } = parameter;
      if (seen.has(name.text))
        this.#report.error("duplicate-name", name.span, `a second parameter \`${name.text}\``, "rename one");
      seen.add(name.text);
      this.#names.isFree(name, "parameter");
      const value = parameter.default === null ? null : this.#literal(parameter.default);
      this.typed.push({ type, values: value === null ? [] : [value] });
      samples.set(name.text, value === null ? this.#sample(type) : this.#fitting(parameter, value));
    }
    const { trigger, effect } = this.#parts(d, samples);
    if (trigger !== null) this.bodies.push(trigger);
    if (effect?.kind === "requires") this.bodies.push(effect.condition);
  }

  /** Some value of a type; an error, which nothing complains about, where none is known. */
  #sample(type: TypeReference): Expression {
    const { span } = type;
    if (type.list) return { kind: "list", items: [this.#sample({ ...type, list: false })], span };
    const from: Argument = { parameter: type.name.text, span, isSample: true };
    const text = (value: string): Expression => ({ kind: "string", value, span, from });
    switch (type.name.text) {
      case "string":
        return text("text");
      case "int":
      case "float":
        return { kind: "int", value: 1, text: "1", span, from };
      case "bool":
        return { kind: "bool", value: true, span };
      case "datetime":
        return text("2026-01-01T00:00:00Z");
      case "duration":
        return { kind: "duration", value: 1_000, text: "1s", span };
      case "ip":
        return text("192.0.2.1");
      case "cidr":
        return text("192.0.2.0/24");
      default: {
        const member = this.#enums.get(type.name.text)?.members[0]?.text;
        return member === undefined ? { kind: "error", span } : text(member);
      }
    }
  }

  // --- a use ---

  #arguments(template: TemplateDeclaration, use: TemplateUse): Arguments {
    const passed = new Map<string, Expression>();
    for (const { name, value } of use.arguments) {
      const parameter = template.parameters.find((p) => p.name.text === name.text);
      if (parameter === undefined) {
        const known = template.parameters.map((p) => p.name.text);
        this.#report.error(
          "unknown-parameter",
          name.span,
          `\`${template.name.text}\` has no parameter \`${name.text}\``,
          didYouMean(name.text, known, known.length === 0 ? "it has none" : `it has ${known.join(", ")}`),
        );
      } else if (passed.has(name.text)) {
        this.#report.error("duplicate-name", name.span, `\`${name.text}\` is passed twice`, "remove one");
      } else {
        const literal = this.#literal(value);
        this.typed.push({ type: parameter.type, values: [literal] });
        passed.set(name.text, this.#fitting(parameter, literal));
      }
    }
    for (const parameter of template.parameters) {
      const { name, type } = parameter;
      if (passed.has(name.text)) continue;
      if (parameter.default === null)
        this.#report.error(
          "missing-argument",
          use.span,
          `\`${template.name.text}\` needs a value for \`${name.text}\``,
          `add \`${name.text}: ...\` with ${type.list ? "a list" : `a value of type ${type.name.text}`}`,
        );
      passed.set(
        name.text,
        parameter.default === null
          ? { kind: "error", span: use.span }
          : this.#fitting(parameter, this.#literal(parameter.default)),
      );
    }
    return passed;
  }

  /** The literal that an argument or default stands for; an error, reported, where it is none. */
  #literal(value: Expression): Expression {
    const { span } = value;
    switch (value.kind) {
      case "list":
        return { kind: "list", items: value.items.map((item) => this.#literal(item)), span };
      case "path": {
        const constant = this.#constants.get(value.path.text);
        if (constant !== undefined) return { ...constant.value, span };
        if (!this.#names.isFaulty(value.path.text))
          this.#report.error(
            "bad-argument",
            span,
            `there is no constant \`${value.path.text}\``,
            didYouMean(
              value.path.text,
              this.#constants.keys(),
              "pass a literal, or declare it with `constant`",
            ),
          );
        return { kind: "error", span };
      }
      case "string":
      case "int":
      case "float":
      case "duration":
      case "bool":
      case "error":
        return value;
      default:
        return this.#copier.error(
          "bad-argument",
          span,
          "only literals and constants are passed to a template",
          "write what is compared into the template",
        );
    }
  }

  /** Where the literal is of another kind than the parameter, that is reported with the argument, not in the template. */
  #fitting({ type }: Parameter, literal: Expression): Expression {
    const faulty: Expression = { kind: "error", span: literal.span };
    if (type.list !== (literal.kind === "list")) return faulty;
    const items = literal.kind === "list" ? literal.items : [literal];
    return items.every((item) => fits(type.name.text, item)) ? literal : faulty;
  }

  #parts(template: TemplateDeclaration, passed: Arguments): PolicyParts {
    const text = <T extends { readonly value: string }>(literal: T | null): T | null =>
      literal === null ? null : { ...literal, value: this.#text(literal.value, literal, passed) };
    const whole = (literal: TextLiteral | null): TextLiteral | null =>
      literal === null
        ? null
        : {
            ...text(literal)!,
            parts: literal.parts.map((part) => ({ ...part, text: this.#text(part.text, literal, passed) })),
          };
    const { intent, onAllow, onDeny, onExpiry, limits, onLimiterFailure, metadata } = template;
    const { trigger, effect } = this.#conditionsOf(template, passed);
    return {
      intent: text(intent),
      trigger,
      effect: effect?.kind === "denies" ? { ...effect, reason: text(effect.reason) } : effect,
      onAllow: onAllow.map((action) =>
        action.kind === "remove" ? action : { ...action, value: whole(action.value)! },
      ),
      onDeny:
        onDeny === null
          ? null
          : {
              ...onDeny,
              body: whole(onDeny.body),
              redirect: text(onDeny.redirect),
              headers: onDeny.headers.map((set) => ({ ...set, value: whole(set.value)! })),
            },
      onExpiry,
      limits,
      onLimiterFailure,
      metadata: metadata.map(({ key, value }) => ({
        key,
        value: { ...value, text: this.#text(value.text, value, passed) },
      })),
    };
  }

  #text(text: string, place: object, passed: Arguments): string {
    const { span } = place as { span: Expression["span"] };
    return filled(text, passed, (name) =>
      this.#report.error(
        "unknown-parameter",
        span,
        `the template has no parameter \`${name}\`, which the text names in braces`,
        didYouMean(name, passed.keys(), "in a template `{name}` stands for the value of a parameter"),
      ),
    );
  }

  #conditionsOf(parts: PolicyParts, passed: Arguments | null): Pick<PolicyParts, "trigger" | "effect"> {
    const copy = (e: Expression): Expression =>
      passed === null ? this.#copier.policy(e).tree : this.#copier.template(e, passed).tree;
    const { trigger, effect } = parts;
    return {
      trigger: trigger === null ? null : copy(trigger),
      effect: effect?.kind === "requires" ? { ...effect, condition: copy(effect.condition) } : effect,
    };
  }
}

/** Can a literal stand for a value of a type? Members of enums are left to the places where they stand. */
function fits(
  type: string,
  { kind, value }: { readonly kind: Expression["kind"]; readonly value?: unknown },
): boolean {
  switch (type) {
    case "int":
    case "duration":
    case "bool":
      return kind === type;
    case "float":
      return kind === "int" || kind === "float";
    case "ip":
      return kind === "string" && parseAddress(String(value)) !== null;
    case "cidr":
      return kind === "string" && !("error" in parseNetwork(String(value)));
    default:
      return kind === "string";
  }
}
