/** The account, region and generated name of a CloudFormation resource. */
export interface ResourcePlace {
  accountId: string;
  region: string;
  /** The physical name that CloudFormation would generate when the template gives none, e.g. `stack-LogicalId-1ABC`. */
  generatedName: string;
}

/** The values that `Ref` and `Fn::GetAtt` return for a created resource. */
export interface CreatedResource {
  physicalId: string;
  attributes: Record<string, string>;
}

/** One CloudFormation resource type. `properties` are resolved: they contain no intrinsic functions. */
export interface ResourceProvider {
  create(
    place: ResourcePlace,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /** An answer with another `physicalId` is a replacement: CloudFormation then deletes the old resource. */
  update(
    place: ResourcePlace,
    physicalId: string,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /** A resource that is already gone is success. */
  delete(place: ResourcePlace, physicalId: string): void | Promise<void>;
}
