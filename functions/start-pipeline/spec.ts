/** The compiled pipeline: what it must be, and the parameters that it takes. Pure. */
import { isObject, type Order, OrderError } from "./order";

export interface Parameter {
  parameterType: string;
  defaultValue?: unknown;
  isOptional?: boolean;
}

export interface Spec {
  name: string;
  parameters: Record<string, Parameter>;
  /** The whole document, as it is submitted. */
  document: Record<string, unknown>;
}

/** The stack's record has the object as it was: only a look at what is there finds that it has changed. */
const REMEDY = "Deploy it again: pulumi up --refresh, or npx sparklab up --refresh";

/** The object in the bucket is no compiled pipeline: nothing that a caller could mend. */
export class SpecError extends Error {}

/** @throws SpecError that says what is wrong with which object */
export function parseSpec(text: string, uri: string): Spec {
  const document = parse(text, uri);
  const { pipelineInfo, root, schemaVersion, deploymentSpec } = document;
  const name = isObject(pipelineInfo) ? pipelineInfo.name : undefined;
  const problems = [
    ...(typeof name === "string" && /^[a-z][a-z0-9-]*$/.test(name)
      ? []
      : [`pipelineInfo.name: got ${JSON.stringify(name)}; expected a name.`]),
    ...(typeof schemaVersion === "string" && schemaVersion.startsWith("2.1.")
      ? []
      : [`schemaVersion: got ${JSON.stringify(schemaVersion)}; expected 2.1.x.`]),
    ...(isObject(root) && isObject(root.dag) ? [] : ["root.dag: got nothing; expected the pipeline's tasks."]),
    ...(isObject(deploymentSpec) ? [] : ["deploymentSpec: got nothing; expected what runs the tasks."]),
  ];
  if (problems.length > 0)
    throw new SpecError([`${uri} is not a compiled pipeline. ${REMEDY}`, ...problems].join("\n  "));
  const definitions = isObject(root) && isObject(root.inputDefinitions) ? root.inputDefinitions.parameters : {};
  return { name: name as string, parameters: (definitions ?? {}) as Record<string, Parameter>, document };
}

function parse(text: string, uri: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new SpecError(`${uri} is not JSON (${(error as Error).message}). ${REMEDY}`);
  }
  if (!isObject(parsed)) throw new SpecError(`${uri}: got ${typeof parsed}; expected a compiled pipeline. ${REMEDY}`);
  return parsed;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  STRING: (value) => typeof value === "string",
  NUMBER_INTEGER: (value) => Number.isInteger(value),
  NUMBER_DOUBLE: (value) => typeof value === "number",
  BOOLEAN: (value) => typeof value === "boolean",
  LIST: (value) => Array.isArray(value),
  STRUCT: isObject,
};

/**
 * The run's parameters but those that the run itself gives: the caller's over the lab's; of the lab's, which may be for
 * several pipelines, those that this one takes.
 * @throws OrderError with every problem
 */
export function parametersOf(
  spec: Spec,
  order: Order,
  own: Readonly<Record<string, string>>,
  ofRun: readonly string[],
): Record<string, unknown> {
  const taken = Object.entries(own).filter(([name]) => Object.hasOwn(spec.parameters, name));
  const labs = taken.map(([name, text]) => [name, fromText(text, spec.parameters[name]!)] as const);
  const values: Record<string, unknown> = { ...Object.fromEntries(labs), ...order.parameters };
  const problems = Object.keys(order.parameters)
    .filter((name) => !Object.hasOwn(spec.parameters, name))
    .map(
      (name) =>
        `parameters.${name}: not a parameter of ${spec.name}; expected some of ${Object.keys(spec.parameters).join(", ")}.`,
    );
  for (const [name, { parameterType, defaultValue, isOptional }] of Object.entries(spec.parameters)) {
    const value = values[name];
    const isLeftOut =
      value === undefined && (defaultValue !== undefined || isOptional === true || ofRun.includes(name));
    if (isLeftOut || (value !== undefined && TYPES[parameterType]?.(value))) continue;
    const got = value === undefined ? "nothing" : JSON.stringify(value);
    problems.push(`parameters.${name}: got ${got}; expected a ${parameterType}.`);
  }
  if (problems.length > 0) throw new OrderError(problems);
  return values;
}

/** The environment has texts only. */
function fromText(text: string, { parameterType }: Parameter): unknown {
  if (parameterType === "STRING") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // Of the wrong type then, which is told with the others.
  }
}
