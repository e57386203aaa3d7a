/** What a build request must be: one image of one archive, built by docker as an account of the project. */
import { badRequest } from "../../contract/validate";
import { isObject, textOf } from "../../json";
import type { JsonObject } from "../../service";

export interface Wanted {
  bucket: string;
  object: string;
  /** Empty for whatever the object is now. */
  generation: string;
  /** Name of the image with its tag. */
  image: string;
  /** Resource name of the repository that the image goes into. */
  repository: string;
  /** E-mail of the account that builds. */
  account: string;
}

const DOCKER = "gcr.io/cloud-builders/docker";
const IMAGE = /^([a-z0-9-]+)-docker\.pkg\.dev\/([a-z0-9-]+)\/([a-z0-9-]+)\/[a-z0-9][a-z0-9._/-]*:[\w][\w.-]{0,127}$/;
const ACCOUNT = /^projects\/[^/]+\/serviceAccounts\/([^/]+)$/;

/** Throws INVALID_ARGUMENT with every problem of the request. */
export function wantedBuild(build: JsonObject, project: string): Wanted {
  const [image = "", ...others] = (build.images ?? []) as string[];
  const [, region, owner, repository] = IMAGE.exec(image) ?? [];
  const source = isObject(build.source) && isObject(build.source.storageSource) ? build.source.storageSource : {};
  const [bucket, object] = [textOf(source.bucket), textOf(source.object)];
  const [, account] = ACCOUNT.exec(textOf(build.serviceAccount)) ?? [];
  const problems: [boolean, string, string][] = [
    [
      !region || others.length > 0 || owner !== project,
      "images",
      `got ${JSON.stringify(build.images ?? [])}; expected one <region>-docker.pkg.dev/${project}/<repository>/<name>:<tag>.`,
    ],
    [
      bucket === "" || !object.endsWith(".zip"),
      "source.storage_source",
      `got gs://${bucket}/${object}; expected a bucket and a .zip with the Dockerfile in its top folder.`,
    ],
    [
      account === undefined,
      "service_account",
      `got '${textOf(build.serviceAccount)}'; expected projects/<project>/serviceAccounts/<e-mail>.`,
    ],
    ...stepProblems((build.steps ?? []) as JsonObject[], image),
  ];
  const found = problems.filter(([isWrong]) => isWrong);
  if (found.length > 0)
    throw badRequest(found.map(([, field, description]) => ({ field: `build.${field}`, description })));
  const place = `projects/${project}/locations/${region}/repositories/${repository}`;
  const generation = textOf(source.generation);
  return { bucket, object, generation, image, repository: place, account: account! };
}

/** There is no container to run other steps in. */
function stepProblems(steps: readonly JsonObject[], image: string): [boolean, string, string][] {
  const expected = `expected one step ${DOCKER} with args ["build", "--tag", "${image}", "."]: no other is run here.`;
  const isBuild = ({ name, args = [], ...others }: JsonObject) =>
    textOf(name).replace(/:.*$/, "") === DOCKER &&
    Object.keys(others).length === 0 &&
    ["--tag", "-t"].some((tag) => JSON.stringify(args) === JSON.stringify(["build", tag, image, "."]));
  return [[steps.length !== 1 || !isBuild(steps[0]!), "steps", `got ${JSON.stringify(steps)}; ${expected}`]];
}
