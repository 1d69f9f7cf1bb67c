using StreamingCnn.Distributed;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Geometry;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Split;

/// <summary>
/// What processes hold of maps that wait between stages beyond what their own tiles make: rectangles go to those who read them in a later
/// stage as they are made, and gradients come back before the stage that made them runs backwards.
/// </summary>
/// <param name="plan">The plan.</param>
/// <param name="ranks">The processes.</param>
/// <param name="batch">Images at once.</param>
/// <param name="mapType">The type in which maps wait.</param>
/// <param name="type">The type in which their gradients do.</param>
internal sealed class MapExchange(StagedPlan plan, ICommunicator ranks, long batch, ScalarType mapType, ScalarType type)
{
    private readonly StripedMaps maps = new(plan, ranks.Size);
    private readonly List<StripMessage> sent = [];

    private ICommunicator Ranks => ranks;

    private ScalarType MapType => mapType;

    /// <summary>The columns of a map that this process holds.</summary>
    public Interval Held(int map) => maps.Held(map, ranks.Rank);

    /// <summary>A sink of a stage's output that hands rectangles on to those who hold them as well.</summary>
    /// <param name="output">The output's place in the stage.</param>
    /// <param name="map">The network's map that it is.</param>
    public IMapSink Sender(int output, int map) => new SendingSink(this, output, map);

    /// <summary>Behind a stage's forward pass: has the rectangles that others have made, and waits until they have theirs.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="step">Its plan.</param>
    /// <param name="write">Gets each: the map, first row and first column, and the values.</param>
    public void Receive(Stage stage, StepPlan step, Action<int, long, long, Tensor> write)
    {
        for (var from = 0; from < ranks.Size; from++)
        {
            if (from == ranks.Rank)
                continue;
            foreach (var (row, column) in TileOrder.Raster(step.Grid.Rows.Steps, step.Shared!.Stripes.Of(from)))
            {
                foreach (var (index, output) in stage.Outputs.Index())
                {
                    var owned = step.Grid.Owned(step.Grid.Graph.Outputs[index], row, column);
                    if (!output.IsBoundary || Part(owned, output.Map, ranks.Rank) is not { IsEmpty: false } part)
                        continue;
                    long[] shape = [batch, plan.Network.Network.Maps[output.Map].Channels, part.Rows.Length, part.Columns.Length];
                    using var scope = NewDisposeScope();
                    using var message = new StripMessage(shape.Aggregate((product, length) => product * length), mapType);
                    message.Receive(ranks, from, Tags.Maps + index);
                    message.Wait();
                    write(output.Map, part.Rows.Start, part.Columns.Start, message.Next(shape));
                }
            }
        }

        Finish();
    }

    /// <summary>
    /// Before the backward pass of the stage that made a map: gives others what they have made of it of its gradient, and gets what is this
    /// process's own.
    /// </summary>
    /// <param name="map">The map.</param>
    /// <param name="own">What this process has; null for nothing. It is taken over.</param>
    /// <param name="none">Makes a gradient of nothing, for a process that has none where others do.</param>
    /// <returns>The gradient of what this process's tiles make; null where no process has any.</returns>
    public MapSource? Home(int map, MapSource? own, Func<MapSource> none)
    {
        var count = new double[] { own is null ? 0 : 1 };
        ranks.Sum(count.AsSpan());
        if (count[0] == 0)
            return null;
        own ??= none();
        var strips = new List<(Interval Columns, StripMessage Message)>();
        for (var other = 0; other < ranks.Size; other++)
        {
            if (other == ranks.Rank)
                continue;
            var (mine, theirs) = (Shared(other, ranks.Rank), Shared(ranks.Rank, other));
            if (!mine.IsEmpty)
            {
                var message = new StripMessage(batch * own.Channels * own.Height * mine.Length, type);
                message.Receive(ranks, other, Tags.MapGradients);
                strips.Add((mine, message));
            }

            if (!theirs.IsEmpty)
            {
                using var scope = NewDisposeScope();
                var values = own.Read(new Region(new(0, own.Height), theirs));
                var message = new StripMessage(values.numel(), type);
                message.Append(values);
                message.Send(ranks, other, Tags.MapGradients);
                sent.Add(message);
            }
        }

        var come = strips.ConvertAll(strip =>
        {
            using var message = strip.Message;
            message.Wait();
            return (strip.Columns, message.Next(batch, own.Channels, own.Height, strip.Columns.Length).DetachFromDisposeScope());
        });
        Finish();
        return come.Count == 0 ? own : new HaloGradient(own, come);

        // What one holds of what another one makes.
        Interval Shared(int holder, int maker) => maps.Held(map, holder).Intersect(maps.Made(map, maker));
    }

    private void Finish()
    {
        foreach (var message in sent)
        {
            message.Wait();
            message.Dispose();
        }

        sent.Clear();
    }

    /// <summary>What of a rectangle a process holds.</summary>
    private Region Part(Region owned, int map, int rank) => owned with { Columns = owned.Columns.Intersect(maps.Held(map, rank)) };

    private sealed class SendingSink(MapExchange exchange, int output, int map) : IMapSink
    {
        public void Begin(long batch, long channels, long height, long width)
        {
        }

        public void Write(long top, long left, Tensor values)
        {
            var owned = new Region(new(top, top + values.shape[2]), new(left, left + values.shape[3]));
            for (var to = 0; to < exchange.Ranks.Size; to++)
            {
                if (to == exchange.Ranks.Rank || exchange.Part(owned, map, to) is not { IsEmpty: false } part)
                    continue;
                using var scope = NewDisposeScope();
                var wanted = values.Part(owned, part);
                var message = new StripMessage(wanted.numel(), exchange.MapType);
                message.Append(wanted);
                message.Send(exchange.Ranks, to, Tags.Maps + output);
                exchange.sent.Add(message);
            }
        }
    }
}
