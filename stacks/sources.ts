/** Files of this repository that the lab delivers: job code as objects, BigQuery schemas as tables. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { ObjectSetArgs } from "../components/object-set";

const PYSPARK = "pyspark";
const TABLES = join(PYSPARK, "tables");

/** `jobs/<job>.py` one by one, and the package that they import as one archive. */
export function jobCode(): ObjectSetArgs["objects"] {
  const objects: ObjectSetArgs["objects"] = {};
  for (const file of files(join(PYSPARK, "jobs"), ".py")) {
    objects[`jobs/${relative(join(PYSPARK, "jobs"), file)}`] = { source: new pulumi.asset.FileAsset(file), contentType: "text/x-python" };
  }
  return { ...objects, "sparklab.zip": { source: packageArchive(), contentType: "application/zip" } };
}

/** The Python package and the schemas it reads, file by file, so that compiled leftovers never change the archive's hash. */
function packageArchive(): pulumi.asset.AssetArchive {
  const root = join(PYSPARK, "src");
  const sources: pulumi.asset.AssetMap = {};
  for (const file of files(root, ".py")) sources[relative(root, file)] = new pulumi.asset.FileAsset(file);
  for (const file of files(TABLES, ".json")) sources[`sparklab/tables/${relative(TABLES, file)}`] = new pulumi.asset.FileAsset(file);
  return new pulumi.asset.AssetArchive(sources);
}

/** Table id to schema as BigQuery's JSON, one file each in pyspark/tables; the jobs read the same files. */
export function tableSchemas(): Record<string, string> {
  const schemas: Record<string, string> = {};
  for (const file of files(TABLES, ".json")) {
    schemas[relative(TABLES, file).replace(/\.json$/, "")] = JSON.stringify(JSON.parse(readFileSync(file, "utf8")));
  }
  return schemas;
}

/** Files below a folder with an extension, in a fixed order. */
function files(folder: string, extension: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
