using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>The ends of a power mean: max(x, ε)^r at each position, and max(m, ε)^(1/r) of its mean.</summary>
internal static class PowerMean
{
    /// <summary>The powers, with a fixed exponent.</summary>
    public static FeatureMap Powers(FeatureMap values, double exponent, double eps) =>
        values.AtEachPosition("Power", (maps, _) => maps[0].NoLessThan(eps).Power(exponent), kept: 1);

    /// <summary>The powers, with a small tensor as exponent.</summary>
    public static FeatureMap Powers(FeatureMap values, GlobalTensor exponent, double eps) =>
        values.AtEachPosition("Power", (maps, smalls) => maps[0].NoLessThan(eps).pow(smalls[0]), smalls: [exponent], kept: 1);

    /// <summary>The root of a mean that is no less than a bound.</summary>
    public static GlobalTensor Root(GlobalTensor mean, double exponent, double least) =>
        GlobalTensor.Precisely("Root", parts => parts[0].NoLessThan(least).Power(1 / exponent), [mean]);
}
