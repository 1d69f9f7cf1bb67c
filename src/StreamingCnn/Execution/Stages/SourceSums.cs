using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>The gradients of a network's sources, to which several stages add: whole, or in rows where they are asked for so.</summary>
/// <param name="plan">The plan.</param>
/// <param name="sources">The sources.</param>
/// <param name="maps">Where rows of several stages are added up.</param>
internal sealed class SourceSums(StagedPlan plan, SourceSet sources, BoundaryMaps maps) : IDisposable
{
    // Of sources whose gradients are wanted whole.
    private readonly Tensor?[] gradients = new Tensor?[sources.Sizes.Count];

    /// <summary>Adds what a stage has given of a source.</summary>
    public void Add(int source, Tensor? gradient)
    {
        if (gradient is null)
            return;
        if (gradients[source] is not { } sum)
        {
            gradients[source] = gradient;
            return;
        }

        sum.Accumulate(gradient);
        gradient.Dispose();
    }

    /// <summary>A source's gradient, which belongs to the caller from then on.</summary>
    public Tensor? Take(int source)
    {
        var gradient = gradients[source];
        gradients[source] = null;
        return gradient;
    }

    /// <summary>Where the rows of a source's gradient go: straight to who wants them, where no other stage has any.</summary>
    /// <param name="source">The source.</param>
    /// <param name="isReached">Whether a gradient reaches it in the stage that gives them.</param>
    public ImageGradientRows? Rows(int source, Func<bool> isReached)
    {
        if (sources[source].GradientRows is not { } receiver || IsOfOneStage(source))
            return sources[source].GradientRows;
        maps.Expect(source, Shape(source));
        return (top, rows) => maps.AddRows(source, top, rows, isReached());
    }

    /// <summary>
    /// Hands out gradients in rows that several stages have added to, from the last row to the first; zeros where none has.
    /// </summary>
    public void HandOut()
    {
        for (var source = 0; source < sources.Sizes.Count; source++)
        {
            if (sources[source] is not { GradientIsWanted: true, GradientRows: { } receiver } wanted || IsOfOneStage(source))
                continue;
            using var sum = maps.TakeGradient(source);
            var atOnce = Math.Max(
                1, StoredMap.BytesAtOnce / (wanted.Batch * wanted.Channels * wanted.Width * ElementSize.Of(sources.Type)));
            for (var end = wanted.Height; end > 0; end -= atOnce)
            {
                using var scope = NewDisposeScope();
                var region = new Region(new(Math.Max(0, end - atOnce), end), new(0, wanted.Width));
                receiver(region.Rows.Start, sum?.Read(region)
                    ?? zeros(Shape(source).Of(region), dtype: sources.Type, device: sources.Device));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var gradient in gradients)
            gradient?.Dispose();
        Array.Clear(gradients);
    }

    private bool IsOfOneStage(int source) => plan.Steps.Count(step => step.Stage.Sources.Contains(source)) == 1;

    private MapShape Shape(int source) =>
        new(sources.Batch, plan.Network.Network.Maps[source].Channels, sources[source].Height, sources[source].Width);
}
