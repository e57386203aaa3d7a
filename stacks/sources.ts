/** Files of this repository that the lab delivers: code and notebooks as objects, schemas as tables, folders that images are built from. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { DagFile } from "../components/dag-environment";
import type { ObjectSetArgs } from "../components/object-set";

const PYSPARK = "pyspark";
const TABLES = join(PYSPARK, "tables");
const PIPELINES = join(PYSPARK, "pipelines");
/** The compiled training pipeline, below the pipelines' bucket too. */
export const TRAINING_PIPELINE = "churn_training.json";

type Objects = ObjectSetArgs["objects"];

/** By which stack and from which commit the code is delivered: jobs write it beside their rows. */
export interface Origin {
  stack: string;
  git_commit: string;
}

/** `jobs/<job>.py` one by one, and the package that they import as one archive. @param procedures Stored procedures too. */
export function jobCode(procedures: boolean, origin: Origin): Objects {
  return {
    ...fileObjects(join(PYSPARK, "jobs"), ".py", "text/x-python", "jobs/"),
    ...(procedures ? fileObjects(join(PYSPARK, "procedures"), ".py", "text/x-python", "procedures/") : {}),
    "sparklab.zip": { source: packageArchive(origin), contentType: "application/zip" },
  };
}

/** The Python package and the schemas it reads, file by file, so that compiled leftovers never change the archive's hash. */
function packageArchive(origin: Origin): pulumi.asset.AssetArchive {
  const root = join(PYSPARK, "src");
  const sources: pulumi.asset.AssetMap = {
    "sparklab/origin.json": new pulumi.asset.StringAsset(`${JSON.stringify(origin)}\n`),
  };
  for (const file of files(root, ".py")) sources[relative(root, file)] = new pulumi.asset.FileAsset(file);
  for (const file of files(TABLES, ".json"))
    sources[`sparklab/tables/${relative(TABLES, file)}`] = new pulumi.asset.FileAsset(file);
  return new pulumi.asset.AssetArchive(sources);
}

/** `specs/<pipeline>.json`, as the Python compiler wrote them. */
export function compiledPipelines(): Objects {
  return fileObjects(PIPELINES, ".json", "application/json", "specs/");
}

/** The training pipeline's text, for who submits it without the bucket. */
export function trainingPipeline(): string {
  return readFileSync(join(PIPELINES, TRAINING_PIPELINE), "utf8");
}

/** Notebooks, without outputs, as they are in the repository. */
export function notebooks(): Objects {
  return fileObjects("notebooks", ".ipynb", "application/x-ipynb+json", "notebooks/");
}

/** DAGs, what they are built of and the job catalogue that it reads, as they lie below `dags/`; their tests stay here. */
export function dags(): Record<string, DagFile> {
  const folder = join(PYSPARK, "dags");
  const file = (path: string, contentType: string) => ({ source: new pulumi.asset.FileAsset(path), contentType });
  const sources = files(folder, ".py").filter((path) => !/\/(test_|conftest)[^/]*$/.test(path));
  return {
    ...Object.fromEntries(sources.map((path) => [relative(folder, path), file(path, "text/x-python")])),
    "jobs.yaml": file(join(PYSPARK, "jobs.yaml"), "application/yaml"),
  };
}

/** Table id to schema as BigQuery's JSON, one file each in pyspark/tables; the jobs read the same files. */
export function tableSchemas(): Record<string, string> {
  return Object.fromEntries(
    files(TABLES, ".json").map((file) => [relative(TABLES, file).replace(/\.json$/, ""), schema(file)]),
  );
}

/** Schema of a table whose rows are files. */
export function externalSchema(table: string): string {
  return schema(join(PYSPARK, "external_tables", `${table}.json`));
}

function schema(file: string): string {
  return JSON.stringify(JSON.parse(readFileSync(file, "utf8")));
}

/** A folder as an archive, `<name>-<hash of the content>.zip`. */
export function folderArchive(
  name: string,
  folder: string,
): { objectName: string; archive: pulumi.asset.AssetArchive } {
  const hash = createHash("sha256");
  const assets: pulumi.asset.AssetMap = {};
  for (const file of files(folder, "")) {
    const path = relative(folder, file);
    hash.update(`${path}\0`).update(readFileSync(file)).update("\0");
    assets[path] = new pulumi.asset.FileAsset(file);
  }
  const digest = hash.digest("hex").slice(0, 12);
  return { objectName: `${name}-${digest}.zip`, archive: new pulumi.asset.AssetArchive(assets) };
}

function fileObjects(folder: string, extension: string, contentType: string, prefix: string): Objects {
  return Object.fromEntries(
    files(folder, extension).map((file) => [
      prefix + relative(folder, file),
      { source: new pulumi.asset.FileAsset(file), contentType },
    ]),
  );
}

/** Files below a folder with an extension, in a fixed order; none where there is no folder. */
function files(folder: string, extension: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension) && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
