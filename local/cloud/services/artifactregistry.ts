/** Artifact Registry v1: repositories, who may use them, and the images in them. What is in one goes with it. */
import type { BuiltImage } from "../../engines/interface";
import type { Cloud } from "../cloud";
import { pageOf } from "../engine/list";
import { ApiError } from "../errors";
import { textOf } from "../json";
import type { JsonObject, ResourceType, Service } from "../service";
import { requireStored } from "./references";

const repositories: ResourceType = {
  collection: "artifactregistry.projects.locations.repositories",
  schema: "Repository",
  listField: "repositories",
  name: "projects/{project}/locations/{location}/repositories/{id}",
  id: { query: "repositoryId" },
  idPattern: /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  required: ["format"],
  immutable: ["format", "mode", "kmsKeyName"],
  defaults: { mode: "STANDARD_REPOSITORY" },
  serverSet: {
    sizeBytes: () => "0",
    registryUri: ({ resource }) => uriOf(resource),
    // Scanning is another service, which is not on.
    vulnerabilityScanningConfig: {
      always: ({ resource }) => ({
        ...(resource.vulnerabilityScanningConfig as JsonObject | undefined),
        enablementState: "SCANNING_DISABLED",
        enablementStateReason: "API containerscanning.googleapis.com is not enabled.",
      }),
    },
  },
  operations: {
    ...{ create: true, delete: true, responseType: "google.devtools.artifactregistry.v1.Repository" },
    metadataType: "google.devtools.artifactregistry.v1.OperationMetadata",
  },
  policy: true,
  cascades: true,
  after: { delete: ({ current, cloud }) => cloud.engines.images.remove(`${uriOf(current!)}/`) },
  source: "https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories",
};

/** `us-central1-docker.pkg.dev/p/spark`. */
function uriOf({ name, format }: JsonObject): string {
  const [, project, , location, , id] = textOf(name).split("/");
  return `${location}-${textOf(format).toLowerCase()}.pkg.dev/${project}/${id}`;
}

/** Images of a repository; one that was built under two tags is one image. */
async function imagesIn(repository: string, cloud: Cloud): Promise<JsonObject[]> {
  const uri = uriOf(await requireStored(repository, cloud));
  const byDigest = new Map<string, JsonObject>();
  for (const [reference, image] of Object.entries(cloud.engines.images.list())) {
    if (!reference.startsWith(`${uri}/`)) continue;
    const [name = "", tag = ""] = reference.slice(uri.length + 1).split(":");
    const shown = byDigest.get(`${name}@${image.digest}`) ?? shownImage(repository, uri, name, image);
    (shown.tags as string[]).push(tag);
    byDigest.set(`${name}@${image.digest}`, shown);
  }
  return [...byDigest.values()];
}

function shownImage(repository: string, uri: string, name: string, image: BuiltImage): JsonObject {
  return {
    name: `${repository}/dockerImages/${name}@${image.digest}`,
    uri: `${uri}/${name}@${image.digest}`,
    tags: [],
    imageSizeBytes: String(image.bytes),
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    ...{ uploadTime: image.builtAt, updateTime: image.builtAt, buildTime: image.builtAt },
  };
}

const IMAGES = "artifactregistry.projects.locations.repositories.dockerImages";

export const artifactRegistry: Service = {
  apis: ["artifactregistry.v1"],
  types: [repositories],
  methods: {
    [`${IMAGES}.list`]: async (call, cloud) => {
      const images = await imagesIn(textOf(call.path.parent), cloud);
      const named = images.map((value) => ({ key: textOf(value.name), value }));
      const { items: dockerImages, nextPageToken } = pageOf(named, call);
      return { ...(dockerImages.length > 0 && { dockerImages }), ...(nextPageToken && { nextPageToken }) };
    },
    [`${IMAGES}.get`]: async ({ path }, cloud) => {
      const asked = textOf(path.name);
      const found = (await imagesIn(asked.replace(/\/dockerImages\/.*$/, ""), cloud)).find(
        ({ name }) => name === asked,
      );
      if (!found) throw new ApiError("NOT_FOUND", `Image '${asked}' was not found.`);
      return found;
    },
  },
};
