namespace StreamingCnn.Tests.Exactness;

/// <summary>The law for networks of local layers.</summary>
public sealed class RandomFusionTests() : RandomFusionLaw(looksAtWholeMaps: false, steps: 100, runs: 40);
