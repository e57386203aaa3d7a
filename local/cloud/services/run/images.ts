/** Images that this lab has built: what their names stand for, and what is said of any other. */
import type { ServerProgram } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";

/** Where a program's files are and how they are started. */
export type Program = Pick<ServerProgram, "source" | "command" | "functionTarget"> & {
  environment?: Readonly<Record<string, string>>;
};

/** The packaged entry point of an image that this lab has built. */
export function imageProgram(reference: string, cloud: Cloud): Program {
  const image = cloud.engines.images.list()[reference];
  if (!image) throw unknownImage(reference, cloud);
  if (!image.command)
    throw new ApiError("INVALID_ARGUMENT", `Image '${reference}' has no CMD ["node", ...]; expected one that serves.`);
  return { source: image.folder, command: image.command, environment: image.environment };
}

export function unknownImage(reference: string, cloud: Cloud): ApiError {
  const known = Object.keys(cloud.engines.images.list()).sort().join(", ") || "none so far";
  return new ApiError(
    "INVALID_ARGUMENT",
    `Image '${reference}' not found; expected one that this lab has built: ${known}. Run npx sparklab image build.`,
  );
}
