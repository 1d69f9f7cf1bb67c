using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>What a step on a network gives: its outputs, and the gradients of images and parameters; null where there is none.</summary>
internal sealed class StepResults
{
    private readonly List<Value> values = [];

    /// <summary>How many values there are.</summary>
    public int Count => values.Count;

    /// <summary>The results of a run forwards.</summary>
    public static StepResults OfOutputs(IReadOnlyList<Tensor> outputs)
    {
        var results = new StepResults();
        for (var i = 0; i < outputs.Count; i++)
            results.AddOutput($"Output {i}", outputs[i]);
        return results;
    }

    /// <summary>Takes an output.</summary>
    public void AddOutput(string name, Tensor output) => values.Add(new(name, output.detach(), IsGradient: false));

    /// <summary>Takes a running statistic.</summary>
    public void AddStatistic(string name, Tensor statistic) =>
        values.Add(new(name, statistic.to(ScalarType.Float64, copy: true), IsGradient: false) { IsStatistic = true });

    /// <summary>Takes a gradient.</summary>
    public void AddGradient(string name, Tensor? gradient) => values.Add(new($"Gradient of {name}", gradient, IsGradient: true));

    /// <summary>Takes the gradient that has gathered at a leaf, and clears it there.</summary>
    public void TakeGradient(string name, Tensor leaf)
    {
        AddGradient(name, leaf.grad);
        leaf.grad = null;
    }

    /// <summary>How far each value is from the reference's, over its largest entry; infinite where only one of them has it.</summary>
    public IReadOnlyList<(string Name, double Error)> ErrorsAgainst(StepResults reference)
    {
        // A gradient that is nothing but rounding (a weight whose effect cancels, such as a bias before a softmax) is measured
        // against the others: with this floor, what is tolerated is some tens of units in the last place of the largest.
        // A running mean of normalised maps, too, against other statistics.
        var floor = 1e-3 * reference.values.Where(value => value.IsGradient).Select(value => Largest(value.Tensor)).DefaultIfEmpty().Max();
        var ofStatistics = 1e-4 * reference.values.Where(value => value.IsStatistic)
            .Select(value => Largest(value.Tensor)).DefaultIfEmpty().Max();
        Assert.Equal(reference.values.Select(value => value.Name), values.Select(value => value.Name));
        return
        [
            .. values.Zip(reference.values, (actual, expected) =>
                (actual.Name, Error(actual, expected, expected.IsGradient ? floor : expected.IsStatistic ? ofStatistics : 0))),
        ];
    }

    private static double Error(Value actual, Value expected, double floor) => (actual.Tensor, expected.Tensor) switch
    {
        (null, null) => 0,
        ({ } a, { } b) => Compare.RelativeError(a, b, floor),
        _ => double.PositiveInfinity,
    };

    private static double Largest(Tensor? tensor)
    {
        using var scope = NewDisposeScope();
        return tensor is null || tensor.numel() == 0 ? 0 : tensor.abs().max().item<double>();
    }

    private sealed record Value(string Name, Tensor? Tensor, bool IsGradient)
    {
        public bool IsStatistic { get; init; }
    }
}
