using StreamingCnn.Tests.Exactness;

namespace StreamingCnn.Tests.Stages;

/// <summary>The law for networks that look at whole maps, at any places.</summary>
public sealed class RandomQuantitiesTests() : RandomFusionLaw(looksAtWholeMaps: true, steps: 60, runs: 20);
