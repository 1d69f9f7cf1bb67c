using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Neighbourhood attention (NAT; Hassani et al., arXiv 2204.07143): each position looks at the square of positions around it, or, near the
/// map's border, at the nearest square that lies within, with a bias for each distance. Maps smaller than the square are padded with zeros,
/// to the right and below, to which positions look as to others. With the original's parameter names, without dilation.
/// </summary>
public sealed class NeighbourhoodAttention : LocalAttention
{
    private const double Deviation = 0.02;

    [ComponentName(Name = "rpb")]
    private readonly Parameter table;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Channels C of the map.</param>
    /// <param name="heads">Heads; a divisor of C.</param>
    /// <param name="window">Height and width of the square; odd.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    /// <exception cref="ArgumentException">The heads do not divide the channels, or the window is even.</exception>
    public NeighbourhoodAttention(long channels, long heads, long window = 7)
        : base(nameof(NeighbourhoodAttention), channels, heads, window)
    {
        if (window % 2 == 0)
            throw new ArgumentException(
                $"A neighbourhood of {window} x {window} has no middle; choose an odd height and width.", nameof(window));
        table = Parameter(empty(heads, (2 * window) - 1, (2 * window) - 1));
        init.normal_(table, 0, Deviation);
        RegisterComponents();
    }

    internal override Parameter Table => table;

    internal override Tensor Biases(Tensor table) => table.reshape(Heads, -1);

    /// <summary>Lets positions look at each other.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, H, W].</returns>
    /// <remarks>
    /// By the definition, with a copy of keys and values for each position of a neighbourhood. Streamed, it takes a fraction of the memory.
    /// </remarks>
    /// <exception cref="ArgumentException">The input is no map of C channels.</exception>
    public override Tensor forward(Tensor input)
    {
        Check(input);
        using var scope = NewDisposeScope();
        var (images, height, width) = (input.shape[0], input.shape[2], input.shape[3]);
        var (rows, columns) = (Math.Max(height, Window), Math.Max(width, Window));
        var padded = functional.pad(input.permute(0, 2, 3, 1), [0, 0, 0, columns - width, 0, rows - height]);
        var values = Values(padded).reshape(images, rows, columns, 3, Heads, Channels / Heads).permute(3, 0, 4, 1, 2, 5);
        var (rowsLookedAt, columnsLookedAt) = (LookedAt(rows), LookedAt(columns));

        // [N, heads, rows, columns, area, depth]
        Tensor Around(Tensor map) => map
            .index_select(2, Index(rowsLookedAt))
            .reshape(images, Heads, rows, Window, columns, -1)
            .index_select(4, Index(columnsLookedAt))
            .reshape(images, Heads, rows, Window, columns, Window, -1)
            .permute(0, 1, 2, 4, 3, 5, 6)
            .reshape(images, Heads, rows, columns, Window * Window, -1);

        var biases = table
            .index_select(1, Index(Distances(rowsLookedAt)))
            .index_select(2, Index(Distances(columnsLookedAt)))
            .reshape(Heads, rows, Window, columns, Window)
            .permute(0, 1, 3, 2, 4)
            .reshape(Heads, rows, columns, -1);
        var scores = (values[0].Times(Scale).unsqueeze(-2) * Around(values[1])).sum([-1]).Plus(biases);
        var gathered = (functional.softmax(scores, -1).unsqueeze(-1) * Around(values[2])).sum([-2]);
        return Joined(gathered.permute(0, 2, 3, 1, 4).reshape(images, rows, columns, Channels))
            .narrow(1, 0, height).narrow(2, 0, width).permute(0, 3, 1, 2).MoveToOuterDisposeScope();

        Tensor Index(long[] positions) => tensor(positions, device: input.device);
    }

    /// <summary>For each position of an axis, one behind the other, those that it looks at.</summary>
    private long[] LookedAt(long length)
    {
        var positions = new long[length * Window];
        for (long query = 0; query < length; query++)
        {
            var first = Math.Clamp(query - (Window / 2), 0, length - Window);
            for (long i = 0; i < Window; i++)
                positions[(query * Window) + i] = first + i;
        }

        return positions;
    }

    /// <summary>The place in the table of each of them.</summary>
    private long[] Distances(long[] lookedAt) => [.. lookedAt.Select((position, i) => position - (i / Window) + Window - 1)];
}
