namespace StreamingCnn.Imaging.Maps;

/// <summary>Type of the samples of a map in a file.</summary>
public enum MapSamples
{
    /// <summary>Whole numbers from 0 to 255.</summary>
    Byte,

    /// <summary>Floating-point numbers of 32 bits.</summary>
    Float32,
}
