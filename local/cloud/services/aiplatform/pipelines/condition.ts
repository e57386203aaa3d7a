/** Conditions of a pipeline: expressions of the Common Expression Language over a task's input parameters. */
import { parse, run } from "@bufbuild/cel";
import type { Json } from "../../../service";

/** What is wrong with an expression; undefined if it can be evaluated. */
export function conditionProblem(expression: string): string | undefined {
  try {
    parse(expression);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error if the values do not fit the expression */
export function isMet(expression: string, parameters: Readonly<Record<string, Json>>): boolean {
  const result = run(expression, { inputs: { parameter_values: { ...parameters } } });
  if (typeof result === "boolean") return result;
  const why = result instanceof Error ? result.message : `got ${typeof result}; expected true or false`;
  throw new Error(`condition '${expression}': ${why}.`);
}
