/**
 * Images that are built from this repository: the registry that they lie in, and for each its name and the archive that
 * it is built from. Both are named by the content, so that the program knows an image before anything is built.
 */
import * as pulumi from "@pulumi/pulumi";
import { grantEach } from "../components/iam";
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { ObjectSet } from "../components/object-set";
import type { ProjectServices } from "../components/project-services";
import { Registry } from "../components/registry";
import type { WorkloadIdentity } from "../components/workload-identity";
import { bundleFunction } from "./bundle";
import type { Features } from "./config/features";
import { folderArchive } from "./sources";

export interface ImagesArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  accounts: { worker: WorkloadIdentity; build?: WorkloadIdentity };
  /** What builds read. */
  functions: LakeBucket;
  /** Folder that holds `functions/`. */
  root: string;
  services: ProjectServices;
}

/** Dockerfile and packages of the Spark image. */
const IMAGE_FOLDER = "pyspark/image";

/** What a build makes, and of what. */
export interface ImageSource {
  /** `<registry>/<name>:<hash of the content>`. */
  image: pulumi.Output<string>;
  /** Archive with the Dockerfile in its top folder. */
  archive: Archive;
}

export interface Archive {
  bucket: pulumi.Output<string>;
  object: string;
  generation: pulumi.Output<string>;
}

export interface Images {
  registry: Registry;
  /** What Vertex AI serves models with. */
  "scoring-api"?: ImageSource;
  /** What batches and notebook sessions run in. */
  spark?: ImageSource;
}

export function images(args: ImagesArgs): Images {
  const { features, root } = args;
  const registry = imageRegistry(args);
  return {
    registry,
    ...(features.scoringApi
      ? { "scoring-api": source(args, registry, "scoring-api", bundleFunction("scoring-api", root)) }
      : {}),
    ...(features.customImage ? { spark: source(args, registry, "spark", folderArchive("spark", IMAGE_FOLDER)) } : {}),
  };
}

function source(
  { functions }: ImagesArgs,
  registry: Registry,
  name: string,
  { objectName, archive }: ReturnType<typeof folderArchive>,
): ImageSource {
  const bucket = functions.bucketName;
  const code = new ObjectSet(name, {
    bucket,
    objects: { [objectName]: { source: archive, contentType: "application/zip" } },
  });
  const hash = objectName.slice(name.length + 1).replace(/\.zip$/, "");
  return {
    image: pulumi.interpolate`${registry.address}/${name}:${hash}`,
    archive: { bucket, object: objectName, generation: code.generations[objectName]! },
  };
}

/** Spark pulls its image as the worker and as the service's agent; which of them depends on the runtime. */
function imageRegistry({ accounts, services, features, ...args }: ImagesArgs): Registry {
  const { worker, build } = accounts;
  const agent = services.agents.dataproc;
  return new Registry(
    "images",
    {
      project: args.project,
      repositoryId: physicalName(args.naming, "resource", "images"),
      location: args.region,
      format: "DOCKER",
      description: "Images of Spark and of the scoring API",
      labels: args.labels,
      grants: {
        ...(build ? grantEach("roles/artifactregistry.writer", { build: build.member }) : {}),
        ...(features.customImage
          ? grantEach("roles/artifactregistry.reader", {
              worker: worker.member,
              ...(agent ? { "dataproc-agent": agent } : {}),
            })
          : {}),
      },
    },
    { dependsOn: [services] },
  );
}
