// Bin packing by utilisation: an instance is the better the fuller it is after the placement (the seed's fitness, after
// Netflix Fenzo's CPU and memory bin packers).

/** `(registered − free + required) / registered` of one dimension: its utilisation after placing, 0..1 where it fits. */
export const utilisationAfter = (registered: number, free: number, required: number): number =>
  registered === 0 ? 0 : (registered - free + required) / registered;

/** Mean of CPU and memory utilisation after placing. Higher is better; 1 fills the instance exactly. */
export const meanUtilisation = (
  cpuRegistered: number,
  cpuFree: number,
  cpuRequired: number,
  memoryRegistered: number,
  memoryFree: number,
  memoryRequired: number,
): number =>
  (utilisationAfter(cpuRegistered, cpuFree, cpuRequired) +
    utilisationAfter(memoryRegistered, memoryFree, memoryRequired)) /
  2;
