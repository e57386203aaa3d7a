/** The whole lab in reading order: each layer takes what the ones above it made. Start here. */
import * as pulumi from "@pulumi/pulumi";
import type { LabConfig } from "./config";
import { foundation } from "./foundation";
import { identities } from "./identities";
import { images } from "./images";
import { lake } from "./lake";
import { ml } from "./ml";
import { observability } from "./observability";
import { orchestration } from "./orchestration";
import { labOutputs, type LabOutputs } from "./outputs";
import { pipelineParameters, runSettings } from "./parameters";
import { spark } from "./spark";
import { workbench } from "./workbench";

/** @param root Folder that holds `functions/`. @default the program's own */
export function lab(config: LabConfig, root = "."): LabOutputs {
  const common = commonArgs(config, root);
  const { services, network } = foundation(common);
  const { accounts, operators, attendees } = identities({ ...common, services });
  const people = { ...attendees, ...operators };
  const data = lake({ ...common, accounts, people, services });
  const { buckets, code, warehouse } = data;
  const { worker } = accounts;
  const { notebooks, bundles, pipelines, functions, dags } = buckets;
  const built = functions ? images({ ...common, accounts, functions, services }) : undefined;
  const [image, serving] = [built?.spark?.image, built?.["scoring-api"]];
  const compute = spark({ ...common, worker, buckets, datasetId: warehouse.datasetId, code, image, network, services });
  const base = { config, network, accounts, data, compute, images: built };
  if (!network || !built || !notebooks || !pipelines || !functions) return labOutputs(base);

  const { runtime } = compute;
  const parameters = pipelineParameters(data, runtime.settings, network);
  const stores = { pipelines, functions, bundles, dags };
  const models = ml({ ...common, accounts, buckets: stores, serving, parameters, people, services });
  const settings = pulumi.jsonStringify(runSettings(config, data, runtime, models));
  const runs = orchestration({ ...common, accounts, operators, buckets: stores, network, models, settings, services });
  const desk = workbench({ ...common, accounts, bucket: notebooks, network, runtime, settings, services });
  const watch = observability({ ...common, bucket: buckets.raw, services });
  return labOutputs({ ...base, whole: { models, runs, desk, watch } });
}

/** What every layer may need to know. */
function commonArgs(config: LabConfig, root: string) {
  const naming = { prefix: config.prefix, environment: config.environment };
  const labels = { lab: config.prefix, environment: config.environment };
  return { ...config, naming, labels, whole: config.profile !== "batches", root };
}
