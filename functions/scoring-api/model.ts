/** A model ready to predict: instances in, classes with their probability out, or every problem of every instance. */
import type { Amount, Bundle, Category } from "./bundle";
import { scorerOf } from "./scorer";

export interface Prediction {
  churn: "yes" | "no";
  /** Probability that the customer leaves; above 0.5 the class is "yes". */
  probability: number;
  /** Inputs whose category the training data did not have: they have no say in the probability. */
  unseen?: string[];
  model_version: string;
}

export interface Problem {
  /** As in `instances[3].contract`. */
  field: string;
  description: string;
}

export type Answer = { predictions: Prediction[] } | { problems: Problem[]; total: number };

/** So that a small request cannot ask for a huge answer. */
export const PROBLEMS_LISTED = 1000;

/** An encoder fills the vector and returns the problem of its value; "" means that the value is unseen. */
type Encode = (value: unknown, vector: Float64Array) => string | undefined;

export class Model {
  readonly about: Bundle["model"];
  readonly inputs: Bundle["inputs"];
  private readonly names: string[];
  private readonly known: ReadonlySet<string>;
  private readonly encoders: Encode[];
  private readonly score: ReturnType<typeof scorerOf>;
  /** One vector for all: predicting never waits in between. */
  private readonly vector: Float64Array;

  constructor(bundle: Bundle) {
    this.about = bundle.model;
    this.inputs = bundle.inputs;
    this.names = bundle.inputs.map(({ name }) => name);
    this.known = new Set(this.names);
    this.encoders = bundle.inputs.map((input) =>
      input.kind === "amount" ? amountEncoder(input) : categoryEncoder(input),
    );
    this.score = scorerOf(bundle);
    this.vector = new Float64Array(bundle.slots);
  }

  /** Predicts for all instances, or for none of them if one is wrong. */
  predict(instances: readonly unknown[]): Answer {
    const predictions: Prediction[] = [];
    const problems: Problem[] = [];
    let total = 0;
    for (let index = 0; index < instances.length; index += 1) {
      const found = this.predictOne(instances[index]);
      if (!Array.isArray(found)) {
        if (total === 0) predictions.push(found);
        continue;
      }
      total += found.length;
      for (const { field, description } of found) {
        if (problems.length < PROBLEMS_LISTED) problems.push({ field: `instances[${index}]${field}`, description });
      }
    }
    return total > 0 ? { problems, total } : { predictions };
  }

  private predictOne(instance: unknown): Prediction | Problem[] {
    if (typeof instance !== "object" || instance === null || Array.isArray(instance)) {
      return [
        { field: "", description: `got ${shown(instance)}; expected an object with ${this.names.length} inputs.` },
      ];
    }
    const values = instance as Readonly<Record<string, unknown>>;
    let problems: Problem[] | undefined;
    let unseen: string[] | undefined;
    this.vector.fill(0);
    for (let position = 0; position < this.names.length; position += 1) {
      const name = this.names[position]!;
      const problem = this.encoders[position]!(values[name], this.vector);
      if (problem === undefined) continue;
      if (problem === "") (unseen ??= []).push(name);
      else
        (problems ??= []).push({
          field: `.${name}`,
          description: Object.hasOwn(values, name) ? problem : "is missing.",
        });
    }
    for (const name in values) {
      if (!this.known.has(name))
        (problems ??= []).push({
          field: `.${name}`,
          description: `is not an input of this model; expected ${this.names.join(", ")}.`,
        });
    }
    if (problems) return problems;
    const probability = this.score(this.vector);
    const churn = probability > 0.5 ? "yes" : "no";
    const version = this.about.version;
    return unseen
      ? { churn, probability, unseen, model_version: version }
      : { churn, probability, model_version: version };
  }
}

function amountEncoder({ slot, blank }: Amount): Encode {
  const expected = blank === undefined ? "a finite number, not blank." : `a finite number, or blank for ${blank}.`;
  return (value, vector) => {
    if (typeof value === "number" && Number.isFinite(value)) vector[slot] = value;
    else if (blank !== undefined && (value === null || (typeof value === "string" && value.trim() === "")))
      vector[slot] = blank;
    else return `got ${shown(value)}; expected ${expected}`;
    return undefined;
  };
}

function categoryEncoder({ slot, categories, same_as }: Category): Encode {
  const slots = new Map<string, number>(categories.map((category, index) => [category, slot + index]));
  for (const [word, category] of Object.entries(same_as)) {
    const at = slots.get(category);
    if (at !== undefined) slots.set(word, at);
  }
  return (value, vector) => {
    const text = typeof value === "number" && Number.isInteger(value) ? String(value) : value;
    if (typeof text !== "string") return `got ${shown(value)}; expected a category as text.`;
    const at = slots.get(text);
    if (at === undefined) return "";
    vector[at] = 1;
    return undefined;
  };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
