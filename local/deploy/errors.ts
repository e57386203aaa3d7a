/** Errors that a person can act on: printed without a stack trace. Anything else that is thrown is a bug of the host. */
import type { z } from "zod";

export class DeployError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeployError";
  }
}

/** All problems of one input at once. */
export const allProblems = (where: string, problems: readonly string[]): DeployError =>
  new DeployError(`${where}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);

/** @throws DeployError with all that is wrong with the value */
export function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw allProblems(
    where,
    result.error.issues.map((issue) => `${issue.path.join(".") || "content"}: ${issue.message}`),
  );
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A call that may have been carried out although its answer never came. The next run looks. */
export class UncertainError extends Error {}
/** A function that a program invoked failed: the program is told, and may go on without it. */
export class InvokeError extends Error {}
/** The run was asked to stop before this step began. */
export class CancelledError extends DeployError {
  constructor() {
    super("cancelled before it began");
  }
}
