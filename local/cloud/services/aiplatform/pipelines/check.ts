/**
 * What a compiled pipeline asks for that is not run here, each by its name, and what is wrong with the parameters of a
 * run: found before anything starts. Pure.
 */
import { isObject } from "../../../json";
import type { Json } from "../../../service";
import { conditionProblem } from "./condition";
import { structureOf, unknownPlaceholders } from "./placeholders";
import { ALWAYS, type Component, type Container, type PipelineSpec, type TaskSpec } from "./spec";
import { isKnownSelector } from "./values";

/** Fields of each part that are run, or that say nothing about how it runs. */
const KNOWN = {
  // cachingOptions allow an earlier result to be taken; none is kept here, so every task runs.
  task: "componentRef taskInfo inputs dependentTasks cachingOptions triggerPolicy retryPolicy iteratorPolicy parameterIterator artifactIterator",
  parameterInput:
    "runtimeValue componentInputParameter taskOutputParameter taskFinalStatus parameterExpressionSelector",
  artifactInput: "componentInputArtifact taskOutputArtifact",
  triggerPolicy: "condition strategy",
  executor: "container importer",
  // Sizes of machines: here every task has the whole one.
  container: "image command args env resources",
  component: "dag executorLabel inputDefinitions outputDefinitions",
  dag: "tasks outputs",
  parameterOutput: "valueFromParameter valueFromOneof",
  importer: "artifactUri typeSchema metadata reimport",
} as const;
const STRATEGIES = [undefined, "TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_TASKS_SUCCEEDED", ALWAYS];
const TYPES: Readonly<Record<string, (value: Json) => boolean>> = {
  STRING: (value) => typeof value === "string",
  NUMBER_INTEGER: (value) => Number.isInteger(value),
  NUMBER_DOUBLE: (value) => typeof value === "number",
  BOOLEAN: (value) => typeof value === "boolean",
  LIST: (value) => Array.isArray(value),
  STRUCT: (value) => isObject(value),
};
const SCHEMA = /^2\.1\./;

/** Why something that carries this form of a spec cannot be one; empty if it can. */
export function formProblems(spec: unknown): string[] {
  const { pipelineInfo, schemaVersion, root, deploymentSpec } = (spec ?? {}) as Partial<PipelineSpec>;
  return [
    ...(pipelineInfo?.name ? [] : ["pipelineSpec.pipelineInfo.name: got nothing; expected the pipeline's name."]),
    ...(SCHEMA.test(schemaVersion ?? "")
      ? []
      : [
          `pipelineSpec.schemaVersion: got ${JSON.stringify(schemaVersion) ?? "nothing"}; expected 2.1.x, as kfp 2 compiles.`,
        ]),
    ...(isObject(root?.dag?.tasks as never)
      ? []
      : ["pipelineSpec.root.dag.tasks: got nothing; expected the pipeline's tasks."]),
    ...(isObject(deploymentSpec?.executors as never)
      ? []
      : ["pipelineSpec.deploymentSpec.executors: got nothing; expected what runs the tasks."]),
  ];
}

/** @param containerProblems why the engine cannot run a container */
export function specProblems(spec: PipelineSpec, containerProblems: (container: Container) => string[]): string[] {
  const components = Object.entries({ root: spec.root, ...spec.components });
  const executors = Object.entries(spec.deploymentSpec.executors);
  return [
    ...components.flatMap(([name, component]) => componentProblems(name, component, spec)),
    ...executors.flatMap(([label, executor]) => [
      ...unknownFields(`executor ${label}`, executor, "executor"),
      ...(executor.importer ? unknownFields(`executor ${label}`, executor.importer, "importer") : []),
      ...(executor.container
        ? [
            ...unknownFields(`executor ${label}`, executor.container, "container"),
            ...containerProblems(executor.container).map((problem) => `executor ${label}: ${problem}`),
            ...structureProblems(label, executor.container),
          ]
        : []),
    ]),
    ...unknownPlaceholders(JSON.stringify(spec).replaceAll('\\"', "'")).map(
      (placeholder) => `placeholder ${placeholder}: not supported.`,
    ),
  ];
}

function componentProblems(name: string, component: Component, spec: PipelineSpec): string[] {
  const where = `component ${name}`;
  const label = component.executorLabel;
  const body = component.dag
    ? [
        ...unknownFields(where, component.dag, "dag"),
        ...Object.entries(component.dag.tasks).flatMap(([task, found]) =>
          taskProblems(`task ${task} of ${name}`, found, spec),
        ),
        ...Object.values(component.dag.outputs?.parameters ?? {}).flatMap((output) =>
          unknownFields(where, output, "parameterOutput"),
        ),
      ]
    : label !== undefined && spec.deploymentSpec.executors[label]
      ? []
      : [`${where}: executor ${label ?? "(none)"} is not in the spec.`];
  return [...unknownFields(where, component, "component"), ...body];
}

function taskProblems(where: string, task: TaskSpec, spec: PipelineSpec): string[] {
  const { condition, strategy } = task.triggerPolicy ?? {};
  const syntax = condition === undefined ? undefined : conditionProblem(condition);
  const inputs = Object.entries(task.inputs?.parameters ?? {});
  return [
    ...unknownFields(where, task, "task"),
    ...unknownFields(where, task.triggerPolicy ?? {}, "triggerPolicy"),
    ...(spec.components?.[task.componentRef?.name]
      ? []
      : [`${where}: component ${task.componentRef?.name} is not in the spec.`]),
    ...(STRATEGIES.includes(strategy) ? [] : [`${where}: trigger strategy ${strategy} is not supported.`]),
    ...(syntax === undefined ? [] : [`${where}: condition '${condition}': ${syntax}.`]),
    ...inputs.flatMap(([name, input]) => [
      ...unknownFields(`${where}, input ${name}`, input, "parameterInput"),
      ...(input.parameterExpressionSelector === undefined || isKnownSelector(input.parameterExpressionSelector)
        ? []
        : [`${where}, input ${name}: selector '${input.parameterExpressionSelector}' is not supported.`]),
    ]),
    ...Object.entries(task.inputs?.artifacts ?? {}).flatMap(([name, input]) =>
      unknownFields(`${where}, input ${name}`, input, "artifactInput"),
    ),
  ];
}

function structureProblems(label: string, { args = [], command = [] }: Container): string[] {
  return [...command, ...args].flatMap((argument) => {
    try {
      structureOf(argument);
      return [];
    } catch (error) {
      return [`executor ${label}: argument '${argument}': ${(error as Error).message}.`];
    }
  });
}

function unknownFields(where: string, part: object, kind: keyof typeof KNOWN): string[] {
  const known = KNOWN[kind].split(" ");
  return Object.keys(part)
    .filter((field) => !known.includes(field))
    .map((field) => `${where}: ${field} is not supported.`);
}

/** Problems of the values that a run is given, against the inputs of its pipeline. */
export function parameterProblems(spec: PipelineSpec, given: Readonly<Record<string, Json>>): string[] {
  const defined = spec.root.inputDefinitions?.parameters ?? {};
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(defined, name));
  const expected = Object.keys(defined).join(", ") || "none";
  return [
    ...unknown.map((name) => `parameter ${name}: not an input of the pipeline; expected some of ${expected}.`),
    ...Object.entries(defined).flatMap(([name, { parameterType, defaultValue, isOptional }]) => {
      const value = given[name];
      if (value === undefined)
        return defaultValue !== undefined || isOptional
          ? []
          : [`parameter ${name}: missing; expected a ${parameterType}.`];
      return TYPES[parameterType]?.(value)
        ? []
        : [`parameter ${name}: got ${JSON.stringify(value)}; expected a ${parameterType}.`];
    }),
  ];
}
