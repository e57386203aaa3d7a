/**
 * A compiled pipeline (kfp's intermediate representation, schema 2.1.0) as far as it is run here. What a spec may hold
 * beyond that is refused by check.ts before anything starts. Source: pipeline_spec.proto of kubeflow/pipelines.
 */
import type { Json, JsonObject } from "../../../service";

export interface PipelineSpec {
  pipelineInfo: { name: string };
  schemaVersion: string;
  root: Component;
  components?: Record<string, Component>;
  deploymentSpec: { executors: Record<string, Executor> };
}

export interface Component {
  dag?: Dag;
  executorLabel?: string;
  inputDefinitions?: {
    parameters?: Record<string, ParameterDefinition>;
    artifacts?: Record<string, ArtifactDefinition>;
  };
  outputDefinitions?: {
    parameters?: Record<string, ParameterDefinition>;
    artifacts?: Record<string, ArtifactDefinition>;
  };
}

export interface ParameterDefinition {
  parameterType: string;
  defaultValue?: Json;
  isOptional?: boolean;
}

export interface ArtifactDefinition {
  artifactType: JsonObject;
  isArtifactList?: boolean;
  isOptional?: boolean;
}

export interface Dag {
  tasks: Record<string, TaskSpec>;
  outputs?: { parameters?: Record<string, ParameterOutput>; artifacts?: Record<string, ArtifactOutput> };
}

export interface ParameterSelector {
  producerSubtask: string;
  outputParameterKey: string;
}
export interface ParameterOutput {
  valueFromParameter?: ParameterSelector;
  valueFromOneof?: { parameterSelectors: ParameterSelector[] };
}
export interface ArtifactOutput {
  artifactSelectors: { producerSubtask: string; outputArtifactKey: string }[];
}

export interface TaskSpec {
  componentRef: { name: string };
  taskInfo?: { name?: string };
  inputs?: { parameters?: Record<string, ParameterInput>; artifacts?: Record<string, ArtifactInput> };
  dependentTasks?: string[];
  cachingOptions?: { enableCache?: boolean };
  triggerPolicy?: { condition?: string; strategy?: string };
  retryPolicy?: {
    maxRetryCount?: number;
    backoffDuration?: string;
    backoffFactor?: number;
    backoffMaxDuration?: string;
  };
  iteratorPolicy?: { parallelismLimit?: number };
  parameterIterator?: { itemInput: string; items: { raw?: string; inputParameter?: string } };
  artifactIterator?: { itemInput: string; items: { inputArtifact: string } };
}

export interface ParameterInput {
  runtimeValue?: { constant: Json };
  componentInputParameter?: string;
  taskOutputParameter?: { producerTask: string; outputParameterKey: string };
  taskFinalStatus?: { producerTask: string };
  parameterExpressionSelector?: string;
}
export interface ArtifactInput {
  componentInputArtifact?: string;
  taskOutputArtifact?: { producerTask: string; outputArtifactKey: string };
}

export interface Executor {
  container?: Container;
  importer?: {
    artifactUri: { constant?: string; runtimeParameter?: string };
    typeSchema?: JsonObject;
    metadata?: JsonObject;
  };
}
export interface Container {
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value: string }[];
}

/** The exit tasks of a group run whatever became of it. */
export const ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED";

export function componentOf(spec: PipelineSpec, name: string): Component {
  const component = name === "" ? spec.root : spec.components?.[name];
  if (!component) throw new Error(`pipeline ${spec.pipelineInfo.name}: no component ${name}`);
  return component;
}

export function executorOf(spec: PipelineSpec, component: Component): Executor {
  const executor = spec.deploymentSpec.executors[component.executorLabel ?? ""];
  if (!executor) throw new Error(`pipeline ${spec.pipelineInfo.name}: no executor ${component.executorLabel}`);
  return executor;
}

/** The tasks that a task waits for: those that it names and those whose results it takes. */
export function upstreamOf({ dependentTasks = [], inputs = {} }: TaskSpec): string[] {
  const parameters = Object.values(inputs.parameters ?? {}).flatMap(({ taskOutputParameter, taskFinalStatus }) => [
    taskOutputParameter?.producerTask,
    taskFinalStatus?.producerTask,
  ]);
  const artifacts = Object.values(inputs.artifacts ?? {}).map(
    ({ taskOutputArtifact }) => taskOutputArtifact?.producerTask,
  );
  const named = [...dependentTasks, ...parameters, ...artifacts];
  return [...new Set(named.filter((name) => name !== undefined))];
}
