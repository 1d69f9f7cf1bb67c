namespace StreamingCnn.Imaging.Maps;

/// <summary>Receives a map of classes row by row, from the top: a file, polygons, counts.</summary>
public interface IClassRows
{
    /// <summary>Told once of the map, before its first row.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    void Begin(long height, long width);

    /// <summary>Takes the next row.</summary>
    /// <param name="row">Its number, from 0.</param>
    /// <param name="classes">The number of the class of each position.</param>
    void Write(long row, ReadOnlySpan<byte> classes);

    /// <summary>Told once behind the last row.</summary>
    void Complete();
}
