/** For tests: the services under a stack's foundation as one cloud for all tests of a file. */
import { afterAll, beforeAll } from "@jest/globals";
import type { Cloud } from "../cloud";
import type { JsonObject } from "../service";
import { testCloud, type TestCloud } from "../testing";
import { cloudBilling } from "./cloudbilling";
import { cloudResourceManager } from "./cloudresourcemanager";
import { compute } from "./compute";
import { iam } from "./iam";
import { serviceUsage } from "./serviceusage";

export const P = "projects/sparklab-local";
/** Query of all requests of the official provider. */
export const PROVIDER = "alt=json&prettyPrint=false";

const SERVICES = [...cloudResourceManager, ...serviceUsage, cloudBilling, ...compute, iam];

export class FoundationLab {
  private lab!: TestCloud;

  constructor() {
    beforeAll(async () => {
      this.lab = await testCloud({ services: SERVICES });
    });
    afterAll(() => this.lab.close());
  }

  get cloud(): Cloud {
    return this.lab.cloud;
  }

  rest = async (...request: Parameters<TestCloud["rest"]>): Promise<JsonObject> =>
    (await this.lab.rest(...request)) as JsonObject;
  refusal: TestCloud["refusal"] = (...request) => this.lab.refusal(...request);
}
