using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A map's mean, weighted for each channel by a softmax over all valid positions of its own values: Σ softmax(s(z) / τ)_i z_i. The
/// temperature τ is 1e-6 + softplus(raw); where it is trained, it has the parameter <c>raw</c> [1].
/// </summary>
public abstract class SelfAttention : MapPooling
{
    private const double LeastTemperature = 1e-6;

    private readonly Parameter? raw;
    private readonly double temperature;
    private readonly bool detached;

    private protected SelfAttention(string name, double temperature, bool isTrained, bool detached)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(temperature, LeastTemperature);
        (this.temperature, this.detached) = (temperature, detached);
        if (isTrained)
            raw = Parameter(empty(1).Filled(Raw(temperature - LeastTemperature)));
        RegisterComponents();
    }

    /// <summary>The temperature as it is now.</summary>
    internal double TemperatureNow => raw is null ? temperature : Tempered(raw).to(ScalarType.Float64).item<double>();

    /// <inheritdoc/>
    public sealed override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var scores = Scores(positions.Valid(values));
        var tempered = raw is null
            ? scores.AtEachPosition("Tempered", (maps, _) => maps[0].Over(temperature))
            : scores.AtEachPosition("Tempered", (maps, smalls) => maps[0].div(smalls[0]), smalls: [Temperature(values)]);
        return positions.SoftmaxMean(values, detached ? AttentionScores.Detached(tempered) : tempered);
    }

    private protected abstract FeatureMap Scores(FeatureMap values);

    private GlobalTensor Temperature(FeatureMap values) => values.Builder.Small(
        new(_ => Tempered(raw!).unsqueeze(0)) { Name = "Temperature", Parameters = [raw!] }, []);

    private static Tensor Tempered(Tensor raw) => raw.neg().log_sigmoid().neg().Plus(LeastTemperature);

    /// <summary>What softplus makes a number of.</summary>
    private static double Raw(double above) => above + Math.Log(-Math.Exp(-above) + 1);
}
