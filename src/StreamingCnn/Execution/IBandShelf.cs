using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>A band of a map: which map, rows or columns, and of which row of tiles.</summary>
internal readonly record struct BandKey(int Node, BandKind Kind, int TileRow);

/// <summary>Where bands wait that no tile needs at present.</summary>
internal interface IBandShelf : IDisposable
{
    /// <summary>Copies a band's values. Each band comes once.</summary>
    void Put(BandKey band, Tensor values);

    /// <summary>Gives a band back, on the device of the computation and in no scope; null where it never came.</summary>
    Tensor? Take(BandKey band);
}
