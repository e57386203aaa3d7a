/** The engines of one lab, made from the tools that set-up prepared. */
import { createAirflowEngine } from "./airflow";
import { createBigQueryEngine } from "./bigquery";
import { createImageEngine } from "./images";
import type { Engines } from "./interface";
import { createPipelineEngine } from "./pipelines";
import { createHistoryEngine } from "./history";
import { createServerEngine } from "./servers";
import { createSessionEngine } from "./sessions";
import { createSparkEngine } from "./spark";
import type { Tools } from "./tools";

export interface EngineSettings {
  /** The cloud's folder; each engine keeps its data below it. */
  folder: string;
  project: string;
  /** Location of queries that name none. */
  location: string;
}

export function createEngines(tools: Tools, { folder, project, location }: EngineSettings): Engines {
  const spark = createSparkEngine(tools);
  return {
    spark,
    sessions: createSessionEngine(tools, spark),
    pipelines: createPipelineEngine(tools),
    history: createHistoryEngine(tools),
    airflow: createAirflowEngine(tools),
    servers: createServerEngine({ python: tools.python.clients }),
    images: createImageEngine({ python: tools.python.clients, folder }),
    bigquery: createBigQueryEngine({
      python: tools.python.bigquery,
      home: tools.bigqueryHome,
      folder: `${folder}/bigquery`,
      project,
      location,
    }),
  };
}
