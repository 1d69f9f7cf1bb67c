using StreamingCnn.Distributed;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Split;

/// <summary>
/// What tiles leave for tiles in other processes' stripes. Forwards each row of tiles is sent to the right when its last tile in the stripe
/// has run; backwards its gradients come home to the left when its first one has. Messages go one way in each pass, so that nothing locks:
/// each process runs a row as soon as those before it have run theirs.
/// </summary>
/// <param name="ranks">The processes.</param>
/// <param name="grid">The grid, of which this process runs a stripe.</param>
/// <param name="stripes">Who runs which columns of tiles.</param>
/// <param name="run">The run.</param>
internal sealed class SeamExchange(ICommunicator ranks, GridPlan grid, Stripes stripes, RunContext run)
{
    // Messages that may wait to be taken by others: a process that is further ahead would hold them all.
    private const int MostAhead = 8;

    private readonly SeamTraffic traffic = new(grid, stripes);
    private readonly Queue<StripMessage> sent = [];

    // By process: the message of the row that comes next; null where it was not asked for yet, or there is none.
    private readonly StripMessage?[] awaited = new StripMessage?[ranks.Size];

    private int First => grid.Stripe.Start;

    private int Last => grid.Stripe.End - 1;

    /// <summary>Before a tile of the forward pass: has what those to the left have left in its row.</summary>
    public void BeginForward((int Row, int Column) tile)
    {
        Advance();
        for (var from = 0; from < ranks.Rank && tile.Column == First; from++)
        {
            using var scope = NewDisposeScope();
            using var message = Take(from, tile.Row, tile.Row + 1, isBack: false);
            foreach (var (channels, piece) in Strips(tile.Row, from, isBack: false))
            {
                var part = message!.Next(Shape(channels, piece));
                Tensor values;
                using (TensorHeap.Lasting())
                    values = run.Settings.Format.Empty(part.shape, run.Settings.MapType, run.Sources.Device);
                run.Carried.Receive(piece.Seam, values.copy_(part));
            }
        }
    }

    /// <summary>Behind a tile of the forward pass: sends what its row leaves for those to the right.</summary>
    public void EndForward((int Row, int Column) tile)
    {
        for (var to = ranks.Rank + 1; to < ranks.Size && tile.Column == Last; to++)
        {
            if (New(tile.Row, to, isBack: false) is not { } message)
                continue;
            foreach (var (_, piece) in Strips(tile.Row, to, isBack: false))
            {
                using var part = run.Carried.Left(piece.Seam).Part(piece.Held, piece.Region);
                message.Append(part);
            }

            Send(message, to, Tags.Strips);
        }
    }

    /// <summary>Before a tile of the backward pass: adds the gradients of what its row has left for those to the right.</summary>
    public void BeginBackward((int Row, int Column) tile, SeamGradients gradients)
    {
        Advance();
        for (var from = ranks.Size - 1; from > ranks.Rank && tile.Column == Last; from--)
        {
            using var scope = NewDisposeScope();
            using var message = Take(from, tile.Row, tile.Row - 1, isBack: true);
            var strips = Strips(tile.Row, from, isBack: true);
            var hasCome = Array.ConvertAll(strips, _ => message!.NextFlag());
            foreach (var (index, (channels, piece)) in strips.Index())
            {
                var part = message!.Next(Shape(channels, piece));
                if (hasCome[index])
                    gradients.Receive(piece, part.to(run.Sources.Device));
            }
        }
    }

    /// <summary>Behind a tile of the backward pass: sends home the gradients of what those to the left have left in its row.</summary>
    public void EndBackward((int Row, int Column) tile, SeamGradients gradients)
    {
        for (var to = ranks.Rank - 1; to >= 0 && tile.Column == First; to--)
        {
            if (New(tile.Row, to, isBack: true) is not { } message)
                continue;
            var strips = Strips(tile.Row, to, isBack: true);
            foreach (var (_, piece) in strips)
                message.Append(gradients.Sent(piece.Seam) is not null);
            foreach (var (channels, piece) in strips)
            {
                if (gradients.Sent(piece.Seam) is { } gradient)
                    message.Append(gradient);
                else
                    message.Next(Shape(channels, piece)).Dispose();
                gradients.Free(piece.Seam);
            }

            Send(message, to, Tags.StripGradients);
        }
    }

    /// <summary>At the end of a pass: waits until others have taken what was sent.</summary>
    public void Finish()
    {
        while (sent.TryDequeue(out var message))
            End(message);
    }

    /// <summary>What this process and another one exchange of a row of tiles.</summary>
    private (long Channels, SeamPiece Piece)[] Strips(int row, int other, bool isBack) =>
        [.. traffic.Of(row, Math.Min(ranks.Rank, other), Math.Max(ranks.Rank, other), isBack ? run.Differentiable.Needs : null)];

    /// <summary>Values of a message: of gradients it says first which have come.</summary>
    private long Values((long Channels, SeamPiece Piece)[] strips, bool isBack) =>
        (isBack ? strips.Length : 0) + strips.Sum(strip => run.Sources.Batch * strip.Channels * strip.Piece.Region.Area);

    private long[] Shape(long channels, SeamPiece piece) =>
        [run.Sources.Batch, channels, piece.Region.Rows.Length, piece.Region.Columns.Length];

    private StripMessage? New(int row, int other, bool isBack)
    {
        var strips = row >= 0 && row < grid.Rows.Steps && !grid.Stripe.IsEmpty ? Strips(row, other, isBack) : [];
        return strips.Length == 0 ? null : new(Values(strips, isBack), run.Settings.MapType);
    }

    /// <summary>A row's message, which has come; asks for the next row's.</summary>
    private StripMessage? Take(int from, int row, int next, bool isBack)
    {
        var message = awaited[from] ?? Await(row);
        message?.Wait();
        awaited[from] = Await(next);
        return message;

        StripMessage? Await(int awaitedRow)
        {
            var empty = New(awaitedRow, from, isBack);
            empty?.Receive(ranks, from, isBack ? Tags.StripGradients : Tags.Strips);
            return empty;
        }
    }

    private void Send(StripMessage message, int to, int tag)
    {
        message.Send(ranks, to, tag);
        sent.Enqueue(message);
        while (sent.Count > MostAhead)
            End(sent.Dequeue());
    }

    /// <summary>Moves messages on: libraries of MPI do so only when they are asked.</summary>
    private void Advance()
    {
        while (sent.TryPeek(out var first) && first.HasEnded())
            sent.Dequeue().Dispose();
        foreach (var message in awaited)
            message?.HasEnded();
    }

    private static void End(StripMessage message)
    {
        message.Wait();
        message.Dispose();
    }
}
